// In a folder that is not trusted: nothing that it brings is run or believed, and suggestions come all the same.
const assert = require("node:assert/strict");
const { chmodSync, mkdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const vscode = require("vscode");
const { edit, hirope, run, settings, until } = require("./common.js");

const folder = () => vscode.workspace.workspaceFolders[0].uri.fsPath;
let api;

suiteSetup(async () => {
  api = await hirope();
});

test("the folder is not trusted", () => {
  assert.equal(vscode.workspace.isTrusted, false);
});

test("the server runs, and answers", async () => {
  assert.equal(api.server.state, "running");
  assert.equal(api.server.found.where, "VIRTUAL_ENV");
  await edit("shapes.py");
  await until("the model is ready", async () => (await api.request("hirope/status", {})).state === "ready");
});

test("the folder's Python environment is not run", async () => {
  const bin = join(folder(), ".venv", "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "hirope-ls"), `#!/bin/sh\ntouch '${join(folder(), "was-run")}'\n`);
  chmodSync(join(bin, "hirope-ls"), 0o755);
  const python = await vscode.extensions.getExtension("ms-python.python").activate();
  python.choose(join(bin, "python"));
  await run("restart");
  assert.equal(api.server.found.where, "VIRTUAL_ENV");
});

test("paths that the folder sets do not count", async () => {
  mkdirSync(join(folder(), ".vscode"), { recursive: true });
  const given = { "hirope-ls.path": "/bin/true", "hirope-ls.model": "/no/model", "hirope-ls.logFile": "/no/log", "hirope-ls.maxLines": 3 };
  writeFileSync(join(folder(), ".vscode", "settings.json"), JSON.stringify(given));
  await until("the file is read", () => settings().get("maxLines") === 3);
  for (const name of ["path", "model", "logFile"]) assert.equal(settings().get(name), null, name);
  await run("restart");
  assert.equal(api.server.found.where, "VIRTUAL_ENV");
  await until("the model is ready", async () => (await api.request("hirope/status", {})).model === "bundled");
});
