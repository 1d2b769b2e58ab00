// What a user of the extension does, in a real VS Code, with the real server and its bundled model.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { Screen, until } from "./screen.mjs";

const START = "    def area(self):\n        return self.";
let screen;

const shown = (status) => status.outcomes.shown ?? 0;
const pid = () => Number(readFileSync(process.env.HIROPE_PID, "utf8"));

before(async () => {
  screen = await Screen.open();
});

after(() => screen?.close());

afterEach(async (context) => {
  if (context.error || !context.passed) await screen.shot(`failed-${context.name.replace(/\W+/g, "-")}`);
});

async function suggestion(file = "shapes.py", text = START) {
  await screen.edit(file);
  await screen.type(text);
  return screen.ghost();
}

test("ghost text is shown as one types, and Tab accepts it; one undo takes it back", async () => {
  const ghost = await suggestion();
  await screen.shot("ghost-dark");
  const typed = await screen.text();
  await screen.press("Tab");
  const accepted = await until("accepted", async () => ((await screen.text()) !== typed ? screen.text() : ""));
  assert.ok(accepted.startsWith(typed), "what was typed stays");
  assert.ok(accepted.slice(typed.length).startsWith(ghost.split("\n")[0].trimEnd()), `${accepted} has ${ghost}`);
  await screen.press("Control+z");
  assert.equal(await screen.text(), typed);
  await screen.revert();
});

test("what is typed along with a suggestion asks the model for nothing", async () => {
  const ghost = await suggestion();
  const before = await screen.status();
  await screen.type(ghost.slice(0, 2), 120);
  const rest = await until("the rest is shown", async () => {
    const now = await screen.shown();
    return now && ghost.slice(2).startsWith(now.slice(0, 3)) ? now : "";
  });
  assert.ok(ghost.endsWith(rest) || ghost.slice(2).startsWith(rest.slice(0, 3)));
  assert.equal(shown(await screen.status()), shown(before), "no new generation");
  await screen.revert();
});

test("a suggestion is taken by the word and by the line", async () => {
  const ghost = await suggestion();
  const typed = await screen.text();
  await screen.press("Control+ArrowRight");
  const word = await until("a word more", async () => {
    const now = await screen.text();
    return now.length > typed.length ? now.slice(typed.length) : "";
  });
  assert.ok(ghost.startsWith(word), `${ghost} begins with ${word}`);
  if (await screen.shown()) {
    await screen.command("editor.action.inlineSuggest.acceptNextLine");
    await until("the line", async () => (await screen.text()).length > typed.length + word.length);
  }
  await screen.revert();
});

test("Escape dismisses, and another key cancels", async () => {
  await suggestion();
  const typed = await screen.text();
  await screen.press("Escape");
  await screen.noGhost();
  assert.equal(await screen.text(), typed);
  await screen.type("zzqq", 5);
  await until("requests end", async () => !(await screen.status()).busy);
  assert.equal(await screen.text(), `${typed}zzqq`);
  await screen.revert();
});

test("a file with CRLF and emoji stays one", async () => {
  await suggestion("windows.py");
  const typed = await screen.text();
  await screen.press("Tab");
  const accepted = await until("accepted", async () => ((await screen.text()) !== typed ? screen.text() : ""));
  assert.ok(accepted.startsWith(typed) && accepted.includes("😀"));
  assert.ok(!/[^\r]\n/.test(accepted), "every line ends with CRLF");
  await screen.revert();
});

test("the switches: all suggestions, and one language", async () => {
  await screen.edit("shapes.py");
  await screen.command("hirope-ls.toggle");
  await until("the server is off", async () => (await screen.status()).enabled === false);
  await until("the status bar says so", async () => (await screen.statusBar()).includes("off"));
  await screen.type(START);
  await until("refused", async () => (await screen.status()).outcomes["filtered:disabled"]);
  assert.equal(await screen.shown(), "");
  await screen.command("hirope-ls.toggle");
  await until("the server is on", async () => (await screen.status()).enabled === true);
  await screen.command("hirope-ls.toggleLanguage");
  await until("python is off", async () => (await screen.statusBar()).includes("off"));
  await screen.command("hirope-ls.toggleLanguage");
  await until("python is on", async () => !(await screen.statusBar()).includes("off"));
  await screen.revert();
});

test("a setting that changes counts at once", async () => {
  await screen.set("kvBudgetMiB", 256);
  await until("the server knows", async () => (await screen.status()).memory.kvBudgetMiB === 256);
  await screen.set("kvBudgetMiB", undefined);
  await until("and forgets", async () => (await screen.status()).memory.kvBudgetMiB === 1024);
  await until("ready again", async () => (await screen.status()).state === "ready");
});

test("the positions of a file, with the cursor's unit and the cached part", async () => {
  await suggestion();
  await screen.revert();
  await screen.edit("shapes.py", 12, 8);
  const asks = "const uri = vscode.window.activeTextEditor.document.uri.toString(); return hirope.request('hirope/inspect', { textDocument: { uri } });";
  await until("the server has a view of it", async () => (await screen.run(asks)).units.length > 2);
  await screen.command("hirope-ls.showPositions");
  const inner = () => screen.page.frameLocator("iframe.webview").frameLocator("iframe#active-frame");
  const here = () => inner().locator("tr.here .name").textContent({ timeout: 1000 });
  const first = await until("the view", here);
  assert.match(first, /area/);
  await screen.shot("positions-dark");
  assert.ok((await inner().locator("rect.cached").first().getAttribute("width")) > 0);
  await screen.edit("shapes.py", 0, 0);
  await until("the view follows", async () => (await here()) !== first);
  await screen.command("workbench.action.closeEditorsInOtherGroups");
});

test("an explanation is written beside the code", async () => {
  await screen.edit("main.py", 4, 15);
  await screen.command("hirope-ls.explain");
  const code = "return vscode.workspace.textDocuments.find((d) => d.uri.scheme === 'hirope-ls' && d.uri.path.includes('Explanation'))?.getText()";
  const text = await until("the document", () => screen.run(code));
  assert.match(text, /Circle/);
  await until("its end", async () => !/being written/.test(await screen.run(code)));
  assert.match(await screen.run(code), /model/);
  await screen.shot("explanation-dark");
  await screen.command("workbench.action.closeEditorsInOtherGroups");
});

test("the status is shown", async () => {
  await screen.edit("shapes.py");
  await screen.command("hirope-ls.showStatus");
  const text = await until("the report", async () => /Model/.test(await screen.text()) && screen.text());
  assert.match(text, /bundled/);
  assert.match(await screen.statusBar(), /HiRoPE/);
  await screen.command("workbench.action.closeActiveEditor");
});

test("the menu of the status bar", async () => {
  await screen.edit("shapes.py");
  await screen.page.locator('[id="hirope-ls.hirope-ls.hirope-ls"]').click();
  await until("entries", async () => (await screen.page.locator(".quick-input-list").textContent()).includes("Run doctor"));
  await screen.shot("menu-dark");
  await screen.press("Escape");
});

test("a server that dies is started again", async () => {
  const former = pid();
  process.kill(former, "SIGKILL");
  await until("another process", () => pid() !== former);
  await until("ready again", async () => (await screen.status()).state === "ready");
  await suggestion();
  await screen.revert();
});

test("a restart by hand", async () => {
  const former = pid();
  await screen.command("hirope-ls.restart");
  assert.notEqual(pid(), former);
  await until("ready again", async () => (await screen.status()).state === "ready");
  await suggestion();
  await screen.revert();
});

test("ghost text in a light theme", async () => {
  await screen.run("await vscode.workspace.getConfiguration('workbench').update('colorTheme', 'Default Light Modern', 1)");
  await suggestion();
  await screen.shot("ghost-light");
  await screen.revert();
});
