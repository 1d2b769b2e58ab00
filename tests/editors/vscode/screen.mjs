// A VS Code in a browser: what a user does, what the screen shows, and what the extension host knows.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const { chromium } = createRequire(`${process.env.HIROPE_VSCODE}/`)("playwright-core");
const { HIROPE_PORT, HIROPE_PROBE_PORT, HIROPE_FOLDER, HIROPE_SHOTS, HIROPE_CHROMIUM } = process.env;
const HOST = `127.0.0.1:${HIROPE_PORT}`;
const GHOST = ".ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text";
const PATIENCE_MS = 90_000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"];

/** Wait until `holds` gives something true; what it gave. */
export async function until(what, holds, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let problem = "";
  for (;;) {
    try {
      const found = await holds();
      if (found) return found;
    } catch (error) {
      problem = String(error);
    }
    if (Date.now() > end) throw new Error(`in vain: ${what} ${problem}`);
    await sleep(100);
  }
}

export class Screen {
  static async open() {
    const screen = new Screen();
    screen.browser = await chromium.launch({ executablePath: HIROPE_CHROMIUM, args: FLAGS });
    screen.page = await screen.browser.newPage({ viewport: { width: 1000, height: 640 } });
    await screen.page.goto(`http://${HOST}/?folder=${HIROPE_FOLDER}`);
    try {
      await until("the probe answers", () => screen.run("return true"));
      await screen.run("await hirope.started");
    await screen.command("workbench.action.closeSidebar");
    await screen.command("workbench.action.closeAllEditors");
      await until("the model is ready", async () => (await screen.status()).state === "ready");
    } catch (error) {
      await screen.shot("failed-start");
      await screen.close();
      throw error;
    }
    return screen;
  }

  close() {
    return this.browser.close();
  }

  /** Run JavaScript in the extension host, with `vscode`, `hirope` (the extension's exports) and `args`. */
  async run(code, args = {}) {
    const reply = await fetch(`http://127.0.0.1:${HIROPE_PROBE_PORT}/`, { method: "POST", body: JSON.stringify({ code, args }) });
    const { value, error } = await reply.json();
    if (error) throw new Error(error);
    return value;
  }

  /** Open a file with the cursor at its end, or at a place. */
  async edit(name, line = null, character = 0) {
    const code = `
      const uri = vscode.Uri.file(args.path);
      const document = await vscode.workspace.openTextDocument(uri);
      const editor = await vscode.window.showTextDocument(document, { preview: false, viewColumn: 1 });
      const last = document.lineAt(document.lineCount - 1).range.end;
      const at = args.line === null ? last : new vscode.Position(args.line, args.character);
      editor.selection = new vscode.Selection(at, at);
      editor.revealRange(new vscode.Range(at, at));`;
    await this.run(code, { path: `${HIROPE_FOLDER}/${name}`, line, character });
    await until(`${name} is in view`, async () => (await this.page.title()).includes(name));
    await this.command("workbench.action.focusActiveEditorGroup");
  }

  /** Throw away what was typed. */
  async revert() {
    await this.press("Escape");
    await this.command("workbench.action.files.revert");
  }

  command(name, ...args) {
    return this.run("await vscode.commands.executeCommand(args.name, ...args.args)", { name, args });
  }

  text() {
    return this.run("return vscode.window.activeTextEditor.document.getText()");
  }

  status() {
    return this.run("return hirope.request('hirope/status', {})");
  }

  set(name, value) {
    return this.run("await vscode.workspace.getConfiguration('hirope-ls').update(args.name, args.value, 1)", { name, value });
  }

  async type(text, delay = 60) {
    for (const letter of text) {
      await (letter === "\n" ? this.page.keyboard.press("Enter") : this.page.keyboard.type(letter));
      await sleep(delay);
    }
  }

  async press(key) {
    await this.page.keyboard.press(key);
    await sleep(150);
  }

  /** The ghost text that is shown now, or "". */
  async shown() {
    const texts = await this.page.locator(GHOST).allTextContents();
    return texts.join("").replaceAll("\u00a0", " ");
  }

  ghost() {
    return until("ghost text", () => this.shown());
  }

  noGhost() {
    return until("no ghost text", async () => !(await this.shown()));
  }

  async statusBar() {
    return (await this.page.locator('[id="hirope-ls.hirope-ls.hirope-ls"]').textContent())?.trim() ?? "";
  }

  async shot(name) {
    if (HIROPE_SHOTS) await this.page.screenshot({ path: `${HIROPE_SHOTS}/vscode-${name}.png` });
  }
}
