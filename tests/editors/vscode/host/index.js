// Runs one of the suites inside the extension host: VS Code calls run(), and ends with code 1 if that rejects.
const { appendFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { format } = require("node:util");
const { join } = require("node:path");

const Mocha = createRequire(`${process.env.HIROPE_VSCODE}/`)("mocha");

const say = (...words) => appendFileSync(process.env.HIROPE_REPORT, `${format(...words)}\n`);

exports.suite = (name) => async () => {
  Mocha.reporters.Base.consoleLog = say;
  const mocha = new Mocha({ ui: "tdd", timeout: 240_000, reporter: "spec", color: false, grep: process.env.HIROPE_ONLY });
  try {
    mocha.addFile(join(__dirname, `${name}.suite.js`));
    mocha.loadFiles();
  } catch (error) {
    say(error);
    throw error;
  }
  const failures = await new Promise((resolve) => mocha.run(resolve));
  if (failures) throw new Error(`${failures} failed`);
};
