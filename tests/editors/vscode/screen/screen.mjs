// A VS Code in a browser: what a user does, what the screen shows, and what the extension host knows.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import untils from "../until.js";

const { chromium } = createRequire(`${process.env.HIROPE_VSCODE}/`)("playwright-core");
const { HIROPE_PORT, HIROPE_PROBE_PORT, HIROPE_FOLDER, HIROPE_SHOTS, HIROPE_CHROMIUM, HIROPE_VERSION } = process.env;
export const { until } = untils;
export const HOST = `127.0.0.1:${HIROPE_PORT}`;
const GHOST = ".ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text";
const STATUS = '[id="hirope-ls.hirope-ls.hirope-ls"]';
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"];

/** A browser and an empty page, of the size that pictures have. */
export async function browse() {
  const browser = await chromium.launch({ executablePath: HIROPE_CHROMIUM, args: FLAGS });
  return { browser, page: await browser.newPage({ viewport: { width: 1000, height: 640 } }) };
}

export class Screen {
  static async open() {
    const screen = Object.assign(new Screen(), await browse());
    await screen.page.goto(`http://${HOST}/?folder=${HIROPE_FOLDER}`);
    try {
      await until("the probe answers", () => screen.run("return true"));
      await screen.run("await hirope.started");
      await screen.command("workbench.action.closeSidebar");
      await screen.command("workbench.action.closeAllEditors");
      await screen.ready();
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

  /** Throw away what was typed, and close what is open. */
  async revert() {
    await this.press("Escape");
    await this.command("workbench.action.files.revert");
    await this.command("workbench.action.closeAllEditors");
  }

  command(name, ...args) {
    return this.run("await vscode.commands.executeCommand(args.name, ...args.args)", { name, args });
  }

  text() {
    return this.run("return vscode.window.activeTextEditor.document.getText()");
  }

  /** The text, once it is another one than this. */
  after(text) {
    return until("another text", async () => {
      const now = await this.text();
      return now === text ? null : now;
    });
  }

  /** What a virtual document of the extension says now, or "". */
  document(name) {
    const code = "return vscode.workspace.textDocuments.find((d) => d.uri.scheme === 'hirope-ls' && d.uri.path.includes(args.name))?.getText() ?? ''";
    return this.run(code, { name });
  }

  status() {
    return this.run("return hirope.request('hirope/status', {})");
  }

  /** What became of the last request about the file in view. */
  last() {
    const code = `const uri = vscode.window.activeTextEditor.document.uri.toString();
      return hirope.request('hirope/lastCompletion', { textDocument: { uri } });`;
    return this.run(code);
  }

  ready() {
    return until("the model is ready", async () => (await this.status()).state === "ready");
  }

  set(name, value) {
    return this.run("await vscode.workspace.getConfiguration('hirope-ls').update(args.name, args.value, 1)", { name, value });
  }

  theme(kind) {
    const code = "await vscode.workspace.getConfiguration('workbench').update('colorTheme', `Default ${args.kind} Modern`, 1)";
    return this.run(code, { kind }).then(() => until(kind, () => this.page.locator(`.monaco-workbench.vs${kind === "Dark" ? "-dark" : ""}`).count()));
  }

  /** Type, and have every letter arrive before the next: `delay` lies between. */
  async type(text, delay = 40) {
    for (const letter of text) {
      await (letter === "\n" ? this.page.keyboard.press("Enter") : this.page.keyboard.type(letter));
      await sleep(delay);
    }
  }

  press(key) {
    return this.page.keyboard.press(key);
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

  /** The page inside the webview in front. */
  inside() {
    return this.page.frameLocator("iframe.webview.ready").last().frameLocator("iframe#active-frame");
  }

  /** The notification in view that has this text; its buttons answer to `press`. */
  notice(text) {
    return this.page.locator(".notifications-toasts .notification-list-item", { hasText: text }).first();
  }

  async statusBar() {
    return (await this.page.locator(STATUS).textContent())?.trim() ?? "";
  }

  clickStatusBar() {
    return this.page.locator(STATUS).click();
  }

  async shot(name) {
    await this.page.mouse.move(420, 560);
    if (HIROPE_SHOTS) await this.page.screenshot({ path: `${HIROPE_SHOTS}/vscode-${HIROPE_VERSION}-${name}.png` });
  }
}
