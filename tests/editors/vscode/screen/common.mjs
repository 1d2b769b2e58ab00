// What all parts of the suite share: one screen, and what is asked of it.
import { after, afterEach, before } from "node:test";
import { Screen, until } from "./screen.mjs";

export let screen;

export const START = "\n    def area(self):\n        return self.";

before(async () => {
  screen = await Screen.open();
});

after(() => screen?.close());

afterEach(async (context) => {
  if (context.error || !context.passed) await screen.shot(`failed-${context.name.replace(/\W+/g, "-")}`);
});

/** Type something in a file, and see ghost text. */
export async function suggestion(file = "shapes.py", text = START) {
  await screen.edit(file);
  await screen.type(text);
  return screen.ghost();
}

/** What the server suggests at the cursor: the text that it adds there. A request of the editor's may supersede ours. */
export function suggested() {
  const code = `
    const { document, selection } = vscode.window.activeTextEditor;
    const asked = {
      textDocument: { uri: document.uri.toString() },
      position: selection.active,
      context: { triggerKind: 1 },
    };
    const reply = await hirope.request("textDocument/inlineCompletion", asked);
    if (!reply?.items.length) return null;
    const { insertText, range } = reply.items[0];
    return insertText.slice(range ? selection.active.character - range.start.character : 0);`;
  return until("the server's answer", () => screen.run(code));
}

/** How many requests had these outcomes so far; without names: all requests. */
export function count(status, ...outcomes) {
  const wanted = ([outcome]) => !outcomes.length || outcomes.some((each) => outcome === each || outcome.startsWith(`${each}:`));
  return Object.entries(status.outcomes).filter(wanted).reduce((sum, [, each]) => sum + each, 0);
}
