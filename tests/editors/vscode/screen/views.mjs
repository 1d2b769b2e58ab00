// What the extension shows beside the code, in both themes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./screen.mjs";
import { screen, suggestion } from "./common.mjs";

async function pictures(name) {
  await screen.shot(`${name}-dark`);
  await screen.theme("Light");
  await screen.shot(`${name}-light`);
  await screen.theme("Dark");
}

test("the positions of a file, with the cursor's unit and the cached part", async () => {
  await screen.edit("wrapping.py", 120, 8);
  const asks = "const uri = vscode.window.activeTextEditor.document.uri.toString(); return hirope.request('hirope/inspect', { textDocument: { uri } });";
  await until("the server has read it", async () => {
    const { units, cache } = await screen.run(asks);
    return units.length > 2 && cache.tokens > 0;
  });
  await screen.command("hirope-ls.showPositions");
  const here = () => screen.inside().locator("tr.here .name").textContent({ timeout: 1000 });
  const first = await until("the view", here);
  const { units } = await screen.run(asks);
  assert.ok(units.some(({ name }) => name === first), `${first} is a unit`);
  await until("the cached part", async () => (await screen.inside().locator("svg > rect.cached").first().getAttribute("width")) > 0);
  await pictures("positions");
  await screen.edit("wrapping.py", 0, 0);
  await until("the view follows", async () => (await here()) !== first);
  await screen.inside().locator("tbody tr").nth(2).click();
  const line = units[2].range.start.line;
  await until("a click goes there", async () => (await screen.run("return vscode.window.activeTextEditor.selection.active.line")) === line);
  await screen.revert();
});

test("an explanation is written beside the code", async () => {
  await screen.edit("main.py", 4, 15);
  await until("the server has read what defines it", async () => {
    await screen.command("hirope-ls.explain");
    return /class `Circle`/.test(await screen.document("Explanation"));
  });
  await until("its end", async () => !/being written/.test(await screen.document("Explanation")));
  assert.match(await screen.document("Explanation"), /model/);
  await until("it is rendered", async () => /Circle/.test(await screen.inside().locator("h3").first().textContent({ timeout: 1000 })));
  await until("to its end", async () => /parameters|model/.test(await screen.inside().locator("body").textContent({ timeout: 1000 })));
  const active = () => screen.run("return vscode.window.activeTextEditor?.document.uri.path ?? ''");
  await until("the code keeps the focus", async () => /main\.py$/.test(await active()));
  await pictures("explanation");
  await screen.inside().locator("a", { hasText: "shapes.py:" }).first().click();
  await until("a link leads to the definition", async () => /shapes\.py$/.test(await active()));
  await screen.revert();
});

test("where nothing is named, that is said", async () => {
  await screen.edit("main.py", 1, 0);
  await screen.command("hirope-ls.explain");
  await until("a notice", () => screen.notice("no function or class").isVisible());
  await screen.command("notifications.clearAll");
  await screen.revert();
});

test("the status is shown", async () => {
  await suggestion();
  await screen.revert();
  await screen.edit("shapes.py");
  await screen.command("hirope-ls.showStatus");
  const text = await until("the report", async () => /Model/.test(await screen.document("status")) && screen.document("status"));
  assert.match(text, /bundled/);
  assert.match(text, /Latency/);
  await until("it is rendered", async () => /bundled/.test(await screen.inside().locator("table").first().textContent({ timeout: 1000 })));
  await pictures("status");
  await screen.revert();
});

test("the status bar says how it is, and has a menu", async () => {
  await screen.edit("shapes.py");
  await until("it is calm", async () => (await screen.statusBar()) === "HiRoPE");
  await screen.clickStatusBar();
  const entries = screen.page.locator(".quick-input-list");
  await until("entries", async () => (await entries.textContent()).includes("Run doctor"));
  await until("they are there", async () => (await screen.page.locator(".quick-input-widget").evaluate((found) => getComputedStyle(found).opacity)) === "1");
  await screen.shot("menu-dark");
  await screen.press("Escape");
  await screen.revert();
});

test("the walkthrough, and its example", async () => {
  await screen.command("hirope-ls.openWalkthrough");
  const page = screen.page.locator(".gettingStartedContainer");
  await until("its steps", async () => /Accept a suggestion/.test(await page.textContent()));
  await until("the first is done, as the server runs", () => page.locator(".getting-started-step .codicon-getting-started-step-checked.complete").first().isVisible());
  await screen.shot("walkthrough-dark");
  await screen.command("workbench.action.closeAllEditors");
  await screen.command("hirope-ls.tryIt");
  await screen.ghost();
  await screen.shot("try-dark");
  await screen.run("const editor = vscode.window.activeTextEditor; await editor.edit((edit) => edit.delete(new vscode.Range(0, 0, editor.document.lineCount, 0)))");
  await screen.command("workbench.action.closeAllEditors");
});

test("the doctor runs where the user sees it", async () => {
  await screen.edit("shapes.py");
  await screen.run(`args.done = vscode.tasks.onDidEndTaskProcess((event) => { globalThis.doctor = event.exitCode; });
    await vscode.commands.executeCommand('hirope-ls.runDoctor')`);
  await until("it ends", async () => (await screen.run("return globalThis.doctor ?? null")) !== null);
  await screen.shot("doctor-dark");
  await screen.command("workbench.action.closePanel");
  await screen.revert();
});
