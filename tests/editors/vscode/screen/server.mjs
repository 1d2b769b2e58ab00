// A server that dies, is restarted, is switched off, or gets other settings while it runs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { until } from "./screen.mjs";
import { START, screen, suggestion } from "./common.mjs";

const pid = () => Number(readFileSync(process.env.HIROPE_PID, "utf8"));

test("the switches: all suggestions, and one language", async () => {
  await screen.edit("shapes.py");
  await screen.command("hirope-ls.toggle");
  await until("the server is off", async () => (await screen.status()).enabled === false);
  await until("the status bar says so", async () => (await screen.statusBar()).includes("off"));
  await screen.type(START);
  await until("refused", async () => (await screen.status()).outcomes["filtered:disabled"]);
  assert.equal(await screen.shown(), "");
  await screen.shot("off-dark");
  await screen.command("hirope-ls.toggle");
  await until("the server is on", async () => (await screen.status()).enabled === true);
  await screen.command("hirope-ls.toggleLanguage");
  await until("python is off", async () => (await screen.statusBar()).includes("off"));
  await screen.command("hirope-ls.toggleLanguage");
  await until("python is on", async () => !(await screen.statusBar()).includes("off"));
  await screen.revert();
});

test("settings that change while a suggestion is in view", async () => {
  await suggestion();
  await screen.set("maxLines", 1);
  await screen.set("kvBudgetMiB", 256);
  await until("the server knows", async () => (await screen.status()).memory.kvBudgetMiB === 256);
  await screen.revert();
  await screen.set("kvBudgetMiB", undefined);
  await screen.set("maxLines", undefined);
  await until("and forgets", async () => (await screen.status()).memory.kvBudgetMiB === 1024);
  await screen.ready();
  await suggestion();
  await screen.revert();
});

test("a server that dies is started again, and what was typed meanwhile is known", async () => {
  await screen.edit("shapes.py");
  const former = pid();
  process.kill(former, "SIGKILL");
  await screen.type(START);
  await until("another process", () => pid() !== former);
  await until("it runs", () => screen.run("return hirope.server.state === 'running'"));
  await screen.ready();
  await screen.press("Alt+\\");
  await screen.ghost();
  assert.ok((await screen.text()).endsWith(START));
  await screen.revert();
});

test("a restart by hand", async () => {
  const former = pid();
  await screen.command("hirope-ls.restart");
  assert.notEqual(pid(), former);
  await screen.ready();
  await suggestion();
  await screen.revert();
});
