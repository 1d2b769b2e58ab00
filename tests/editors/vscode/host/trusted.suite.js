// The extension as other code in the editor sees it: finding the server, commands, settings. In a trusted folder.
const assert = require("node:assert/strict");
const { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const vscode = require("vscode");
const { edit, hirope, run, settings, until } = require("./common.js");

const ENV = process.env.HIROPE_ENV;
const SERVER = join(ENV, "bin", "hirope-ls");
const HOME = process.env.HOME;
let api;

const status = () => api.request("hirope/status", {});
const pid = () => Number(readFileSync(process.env.HIROPE_PID, "utf8"));
const text = (name) => vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "hirope-ls" && uri.path.includes(name))?.getText() ?? "";
const tabs = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map(({ label }) => label));

/** A program that starts the server of this tree, in a folder of its own. */
function serverIn(folder) {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "hirope-ls");
  writeFileSync(program, `#!/bin/sh\nexec '${SERVER}' "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

const headed = (name) => new RegExp(`^#+ \\w+ \`${name}\``, "m").test(text("Explanation"));

/** Explain what stands there; asked for again as long as the server has not read the files that define it. */
async function explained(name, line, character) {
  await until(`${name} is explained`, async () => {
    await edit("main.py", line, character);
    await run("explain");
    for (let looks = 0; looks < 200 && !headed(name); looks++) await new Promise((resolve) => setTimeout(resolve, 50));
    return headed(name);
  });
}

suiteSetup(async () => {
  api = await hirope();
});

teardown(() => vscode.commands.executeCommand("workbench.action.closeAllEditors"));

suite("finding the server", () => {
  const path = process.env.PATH;
  let python;

  suiteSetup(async () => {
    python = await vscode.extensions.getExtension("ms-python.python").activate();
    delete process.env.VIRTUAL_ENV;
  });

  suiteTeardown(async () => {
    process.env.VIRTUAL_ENV = ENV;
    await run("restart");
    assert.equal(api.server.state, "running");
  });

  teardown(async () => {
    process.env.PATH = path;
    python.choose(null);
    await settings().update("path", undefined, vscode.ConfigurationTarget.Global);
  });

  async function found() {
    await run("restart");
    await until("it runs", () => api.server.state === "running");
    return [api.server.found.command, api.server.found.where];
  }

  test("by VIRTUAL_ENV", async () => {
    process.env.VIRTUAL_ENV = ENV;
    assert.deepEqual(await found(), [SERVER, "VIRTUAL_ENV"]);
    delete process.env.VIRTUAL_ENV;
  });

  test("on PATH, never in a folder that is relative to the project", async () => {
    const program = serverIn(join(HOME, "path"));
    process.env.PATH = `.:node_modules/.bin:${dirname(program)}:${path}`;
    assert.deepEqual(await found(), [program, "PATH"]);
  });

  test("in the active Python environment, before PATH, and again when another is chosen", async () => {
    process.env.PATH = `${dirname(serverIn(join(HOME, "path")))}:${path}`;
    const [one, other] = ["one", "other"].map((name) => serverIn(join(HOME, name, "bin")));
    python.choose(join(dirname(one), "python"));
    assert.deepEqual(await found(), [one, "active Python environment"]);
    python.choose(join(dirname(other), "python"));
    assert.deepEqual(await found(), [other, "active Python environment"]);
  });

  test("by the setting, before all others", async () => {
    python.choose(join(dirname(serverIn(join(HOME, "one", "bin"))), "python"));
    const program = serverIn(join(HOME, "given"));
    await settings().update("path", program, vscode.ConfigurationTarget.Global);
    await until("that one runs", () => api.server.state === "running" && api.server.found.command === program);
    assert.match(api.server.found.where, /hirope-ls\.path/);
  });

  test("in the environment that the offered command makes", async () => {
    const folder = join(HOME, ".hirope-ls");
    const program = serverIn(join(folder, "bin"));
    assert.deepEqual(await found(), [program, "~/.hirope-ls"]);
    rmSync(folder, { recursive: true });
  });

  test("nowhere: the state says so, nothing throws, and asking is refused", async () => {
    await run("restart");
    assert.equal(api.server.state, "absent");
    assert.match(api.server.problem, /not found/);
    await assert.rejects(status(), /not running/);
    await edit("shapes.py");
    await run("trigger");
  });

  test("a setting that names no program is an error, and what is right again counts at once", async () => {
    await settings().update("path", join(HOME, "nothing"), vscode.ConfigurationTarget.Global);
    await until("refused", () => api.server.state === "absent" && /no program/.test(api.server.problem ?? ""));
    await settings().update("path", "bin/hirope-ls", vscode.ConfigurationTarget.Global);
    await until("refused", () => /full path/.test(api.server.problem ?? ""));
    await settings().update("path", SERVER, vscode.ConfigurationTarget.Global);
    await until("it runs", () => api.server.state === "running");
  });

  test("what does not speak LSP is told as not started", async () => {
    await settings().update("path", "/bin/false", vscode.ConfigurationTarget.Global);
    await until("it failed", () => api.server.state === "failed");
    assert.match(api.server.problem, /did not start/);
  });
});

suite("commands", () => {
  test("every command of the manifest is there", async () => {
    const { contributes } = vscode.extensions.getExtension("hirope-ls.hirope-ls").packageJSON;
    const known = await vscode.commands.getCommands(true);
    assert.deepEqual(contributes.commands.map(({ command }) => command).filter((name) => !known.includes(name)), []);
  });

  test("suggestions off and on again, everywhere", async () => {
    await run("toggle");
    assert.equal(settings().get("enable"), false);
    await until("the server is off", async () => (await status()).enabled === false);
    await run("toggle");
    await until("the server is on", async () => (await status()).enabled === true);
    assert.equal(settings().inspect("enable").globalValue, undefined, "the setting is gone, not written as true");
  });

  test("off and on again for this language only", async () => {
    await edit("shapes.py");
    await run("toggleLanguage");
    assert.deepEqual(settings().get("disabledLanguages"), ["python"]);
    const asked = { textDocument: { uri: vscode.window.activeTextEditor.document.uri.toString() }, position: { line: 5, character: 0 }, context: { triggerKind: 1 } };
    await until("refused", async () => {
      const reply = await api.request("textDocument/inlineCompletion", asked);
      const refused = (await status()).outcomes["filtered:language"];
      return refused && !reply?.items?.length;
    });
    await run("toggleLanguage");
    assert.equal(settings().inspect("disabledLanguages").globalValue, undefined);
  });

  test("restart: another process, which knows the open files", async () => {
    await edit("shapes.py");
    const former = pid();
    await run("restart");
    assert.notEqual(pid(), former);
    assert.throws(() => process.kill(former, 0), "the former one has ended");
    await until("it knows the file", async () => (await status()).documents > 0);
  });

  test("two restarts at once leave one server", async () => {
    await Promise.all([run("restart"), run("restart"), run("restart")]);
    assert.equal(api.server.state, "running");
    process.kill(pid(), 0);
    assert.ok(await status());
  });

  test("a server that dies comes again", async () => {
    const former = pid();
    process.kill(former, "SIGKILL");
    await until("another process", () => pid() !== former);
    await until("it answers", status);
  });

  test("the status report", async () => {
    await until("ready", async () => (await status()).state === "ready");
    await run("showStatus");
    const said = await until("the report", () => text("status"));
    for (const word of ["State", "ready", "Model", "bundled", "Device", SERVER]) assert.ok(said.includes(word), word);
    await until("a tab", () => tabs().some((label) => /status/.test(label)));
  });

  test("an explanation that ends while its document is being opened", async () => {
    const { request } = api.server;
    const { get } = Map.prototype;
    let token;
    api.server.request = async (method, params) => {
      ({ token } = params);
      return { token, name: "faked", state: "writing", markdown: "# being written" };
    };
    Map.prototype.get = function (key) {
      const found = get.call(this, key);
      if (found === "# being written") {
        Map.prototype.get = get;
        queueMicrotask(() => api.server.explained.fire({ token, done: true, reason: "end", markdown: "# its end" }));
      }
      return found;
    };
    try {
      await edit("main.py", 4, 15);
      await run("explain");
    } finally {
      api.server.request = request;
      Map.prototype.get = get;
    }
    await until("its end", () => text("Explanation") === "# its end");
  });

  test("an explanation", async () => {
    await explained("Circle", 4, 15);
    await until("a tab", () => tabs().some((label) => /Explanation/.test(label)));
    await until("its end", () => text("Explanation") && !/being written/.test(text("Explanation")));
  });

  test("another explanation takes the place of one that is being written", async () => {
    await explained("Circle", 4, 15);
    await explained("total", 3, 6);
    await until("its end", () => !/being written/.test(text("Explanation")));
    assert.ok(!headed("Circle"));
    assert.equal(tabs().filter((label) => /Explanation/.test(label)).length, 1);
  });

  test("the positions of a file", async () => {
    await edit("shapes.py");
    await run("showPositions");
    await until("a tab", () => tabs().includes("Positions"));
    await run("showPositions");
    assert.equal(tabs().filter((label) => label === "Positions").length, 1, "one view a window");
  });

  test("without a file in view nothing throws", async () => {
    for (const name of ["showPositions", "explain", "toggleLanguage"]) await run(name);
    assert.equal(settings().inspect("disabledLanguages").globalValue, undefined);
  });

  test("the walkthrough's example is a file with the cursor at its end", async () => {
    await run("tryIt");
    const { document, selection } = vscode.window.activeTextEditor;
    assert.ok(document.isUntitled && document.languageId === "python");
    assert.equal(document.offsetAt(selection.active), document.getText().length);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });
});

suite("settings", () => {
  test("one that changes while it runs counts at once, and again when it is gone", async () => {
    const budget = async () => (await status()).memory.kvBudgetMiB;
    const former = await budget();
    await settings().update("kvBudgetMiB", former / 4, vscode.ConfigurationTarget.Global);
    await until("the server knows", async () => (await budget()) === former / 4);
    await settings().update("kvBudgetMiB", undefined, vscode.ConfigurationTarget.Global);
    await until("and forgets", async () => (await budget()) === former);
    await until("ready again", async () => (await status()).state === "ready");
  });

  test("a folder's setting counts, too", async () => {
    await settings().update("maxLines", 1, vscode.ConfigurationTarget.Workspace);
    assert.equal(settings().get("maxLines"), 1);
    await settings().update("maxLines", undefined, vscode.ConfigurationTarget.Workspace);
  });

  test("what names a program cannot be set by a folder", async () => {
    await assert.rejects(settings().update("path", "/bin/true", vscode.ConfigurationTarget.Workspace));
  });
});
