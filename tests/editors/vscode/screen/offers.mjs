// No server: what is said, and what the buttons do.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { until } from "./screen.mjs";
import { screen } from "./common.mjs";

const { HIROPE_ENV, HOME } = process.env;
const { command } = JSON.parse(readFileSync(new URL("../../../../editors/install.json", import.meta.url), "utf8"));
const state = () => screen.run("return hirope.server.state");
const python = (path) => screen.run("(await vscode.extensions.getExtension('ms-python.python').activate()).choose(args.path)", { path });

async function restarted() {
  await screen.command("notifications.clearAll");
  await screen.command("hirope-ls.restart");
}

describe("without a server", () => {
  before(async () => {
    await screen.run("delete process.env.VIRTUAL_ENV");
  });

  after(async () => {
    await screen.run("process.env.VIRTUAL_ENV = args.env", { env: HIROPE_ENV });
  });

  test("where there is no server, the exact command is offered", async () => {
    await screen.edit("shapes.py");
    await restarted();
    assert.equal(await state(), "absent");
    const notice = screen.notice(command);
    await until("the offer", () => notice.isVisible());
    await until("the status bar says so", async () => (await screen.statusBar()).includes("not found"));
    for (const name of ["Install in Terminal", "Copy Command", "Set Path", "Retry"])
      assert.ok(await notice.getByText(name, { exact: true }).isVisible(), name);
    await screen.shot("absent-dark");
    await notice.getByText("Copy Command", { exact: true }).click();
    await screen.revert();
  });

  test("a path that is wrong is named", async () => {
    await screen.edit("shapes.py");
    await screen.set("path", "/no/such/hirope-ls");
    await until("it is said", () => screen.notice("/no/such/hirope-ls").isVisible());
    assert.equal(await state(), "absent");
    await screen.set("path", undefined);
    await screen.command("notifications.clearAll");
    await screen.revert();
  });

  test("installing by the button, into the active Python environment, starts it", async () => {
    const folder = `${HOME}/a place/bin`; // its "pip" puts a server beside it, without a network
    mkdirSync(folder, { recursive: true });
    const server = `#!/bin/sh\nexec '${HIROPE_ENV}/bin/hirope-ls' "$@"\n`;
    writeFileSync(`${folder}/python`, `#!/bin/sh\necho "$@"\ncat > '${folder}/hirope-ls' <<'END'\n${server}END\nchmod +x '${folder}/hirope-ls'\n`);
    chmodSync(`${folder}/python`, 0o755);
    mkdirSync(`${HOME}/hirope-ls`, { recursive: true });
    writeFileSync(`${HOME}/hirope-ls/pyproject.toml`, '[project]\nname = "hirope-ls"\n');
    await screen.edit("shapes.py");
    await python(`${folder}/python`);
    await restarted();
    const notice = screen.notice(`'${folder}/python' -m pip install ${HOME}/hirope-ls`);
    await until("the offer", () => notice.isVisible());
    await notice.getByText("Install in Terminal", { exact: true }).click();
    await until("it runs", async () => (await state()) === "running");
    assert.match(await screen.run("return hirope.server.found.where"), /Python/);
    await python(null);
    rmSync(`${HOME}/hirope-ls`, { recursive: true });
    await screen.command("workbench.action.closePanel");
    await screen.revert();
  });
});
