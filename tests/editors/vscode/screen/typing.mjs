// Ghost text as one types.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./screen.mjs";
import { count, START, screen, suggested, suggestion } from "./common.mjs";

const line = (text) => text.split("\n")[0];

test("ghost text is what the server suggests; Tab accepts it; one undo takes it back", async () => {
  const ghost = await suggestion();
  await screen.shot("ghost-dark");
  const typed = await screen.text();
  const said = await suggested();
  assert.ok(ghost.startsWith(line(said).trimEnd()), `"${ghost}" shows "${said}"`);
  await screen.press("Tab");
  assert.equal(await screen.after(typed), typed + said);
  await screen.press("Control+z");
  await until("one undo takes all of it back", async () => (await screen.text()) === typed);
  await screen.revert();
});

test("what is typed along with a suggestion stays shown, and asks the model for nothing", async (context) => {
  const ghost = await suggestion();
  await until("nothing is asked any more", async () => !(await screen.status()).busy);
  const before = await screen.status();
  for (const length of [1, 2]) {
    await screen.type(ghost[length - 1]);
    await until(`the rest after ${length}`, async () => (await screen.shown()) === ghost.slice(length));
  }
  await until("its requests have ended", async () => !(await screen.status()).busy);
  const after = await screen.status();
  assert.equal(count(after, "shown"), count(before, "shown"), "the model was not asked");
  context.diagnostic(`requests for two letters: ${count(after) - count(before)}, answered from what is known`);
  assert.equal(count(after) - count(before), count(after, "cached", "cancelled", "superseded") - count(before, "cached", "cancelled", "superseded"));
  await screen.revert();
});

test("a suggestion is taken by the word", async () => {
  await suggestion();
  const typed = await screen.text();
  const said = await suggested();
  await screen.press("Control+ArrowRight");
  const word = (await screen.after(typed)).slice(typed.length);
  assert.ok(said.startsWith(word) && word.length > 0, `"${said}" begins with "${word}"`);
  assert.ok(/^\W*\w*\s*$/.test(word), `"${word}" is one word`);
  await screen.revert();
});

test("a suggestion is taken by the line", async () => {
  await suggestion();
  const typed = await screen.text();
  const said = await suggested();
  await screen.command("editor.action.inlineSuggest.acceptNextLine");
  const taken = (await screen.after(typed)).slice(typed.length);
  assert.ok(said.startsWith(taken), `"${said}" begins with "${taken}"`);
  assert.ok(taken.trimEnd().split("\n").length === 1, `"${taken}" is one line`);
  await screen.revert();
});

test("Escape dismisses; the command asks again", async () => {
  const ghost = await suggestion();
  const typed = await screen.text();
  await screen.press("Escape");
  await screen.noGhost();
  assert.equal(await screen.text(), typed);
  await screen.press("Alt+\\");
  assert.equal(await screen.ghost(), ghost);
  await screen.revert();
});

test("the next key cancels what is being made", async () => {
  await screen.edit("wrapping.py");
  const ended = async () => count(await screen.status(), "cancelled", "superseded");
  const before = await ended();
  const original = await screen.text();
  let typed = "";
  await until("a request was cancelled", async () => {
    typed += "q";
    await screen.type("q", 0);
    await sleep(10 * (typed.length % 12));
    return (await ended()) > before;
  });
  await until("requests end", async () => !(await screen.status()).busy);
  assert.equal(await screen.text(), original + typed);
  await screen.revert();
});

test("a file with CRLF and emoji stays one", async () => {
  await suggestion("windows.py");
  const typed = await screen.text();
  const said = await suggested();
  await screen.press("Tab");
  const accepted = await screen.after(typed);
  assert.equal(accepted, typed + said.replace(/\r?\n/g, "\r\n"));
  assert.ok(accepted.includes("😀") && !/[^\r]\n/.test(accepted), "every line ends with CRLF");
  await screen.revert();
});

test("text beside an emoji, in its own line", async () => {
  await suggestion("windows.py", '\n    def area(self): "😀"; return self.');
  const typed = await screen.text();
  const said = await suggested();
  await screen.press("Tab");
  assert.equal(await screen.after(typed), typed + said.replace(/\r?\n/g, "\r\n"));
  await screen.revert();
});

test("two cursors: what is accepted comes at both, and goes with one undo", async () => {
  await screen.edit("shapes.py");
  await screen.type("\n    area = \n    size = ");
  await screen.press("Escape");
  const code = `const editor = vscode.window.activeTextEditor;
    const last = editor.document.lineCount - 1;
    editor.selections = [last, last - 1].map((line) => {
      const end = editor.document.lineAt(line).range.end;
      return new vscode.Selection(end, end);
    });`;
  await screen.run(code);
  await until("both cursors are in view", async () => (await screen.page.getByText("2 selections").count()) > 0);
  const former = await screen.text();
  await screen.type("self.");
  const typed = await until("both have it", async () => {
    const now = await screen.text();
    return now.split("= self.").length === 3 && now;
  });
  await screen.ghost();
  const said = await suggested();
  await screen.press("Tab");
  const accepted = await screen.after(typed);
  assert.ok(accepted.endsWith(`    size = self.${said}`), accepted);
  assert.ok(accepted.includes(`    area = self.${line(said).trimEnd()}`), accepted);
  await screen.press("Control+z");
  await until("undone", async () => (await screen.text()) === typed);
  assert.ok(typed.startsWith(former.slice(0, 40)));
  await screen.revert();
});

test("ghost text in a light theme", async () => {
  await screen.theme("Light");
  await suggestion();
  await screen.shot("ghost-light");
  await screen.revert();
  await screen.theme("Dark");
});
