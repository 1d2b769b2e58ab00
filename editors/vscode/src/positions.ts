/** The view of a file's hierarchy, beside it: drawn again as the cursor moves, the file changes or the cache grows. */

import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import * as vscode from "vscode";
import { body, page, type Scene } from "./picture";
import type { Inspection } from "./protocol";
import type { Session } from "./session";

const CALM_MS = 150;

/** One view a window; it follows the file in view. */
export class Positions implements vscode.Disposable {
  private panel: vscode.WebviewPanel | null = null;
  private timer: NodeJS.Timeout | undefined;
  private document: vscode.TextDocument | null = null;
  private line = 0;
  private asked = 0;
  private readonly parts: vscode.Disposable[];

  constructor(private readonly session: Session) {
    this.parts = [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.looked(textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.looked(editor)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => document === this.document && this.later()),
      session.onChanged(() => this.later()),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.panel?.dispose();
    vscode.Disposable.from(...this.parts).dispose();
  }

  /** Open the view for the file at the cursor. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) {
      void vscode.window.showInformationMessage("HiRoPE: open a file first, then show its positions.");
      return;
    }
    this.take(editor);
    const scene = await this.scene();
    if (typeof scene === "string") {
      void vscode.window.showInformationMessage(`HiRoPE: ${scene}`);
      return;
    }
    this.panel ??= this.open();
    this.panel.webview.html = page(scene, randomBytes(16).toString("hex"));
    this.panel.reveal(vscode.ViewColumn.Beside, true);
  }

  private open(): vscode.WebviewPanel {
    const where = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const panel = vscode.window.createWebviewPanel("hirope-ls.positions", "Positions", where, {
      enableScripts: true,
      localResourceRoots: [],
    });
    panel.webview.onDidReceiveMessage((message: { line?: unknown }) => void this.go(message.line));
    panel.onDidDispose(() => (this.panel = null));
    return panel;
  }

  private looked(editor: vscode.TextEditor): void {
    if (!this.panel || !["file", "untitled"].includes(editor.document.uri.scheme)) return;
    this.take(editor);
    this.later();
  }

  private take(editor: vscode.TextEditor): void {
    this.document = editor.document;
    this.line = editor.selection.active.line;
  }

  private later(): void {
    if (!this.panel) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.draw(), CALM_MS);
  }

  private async draw(): Promise<void> {
    const turn = ++this.asked;
    const scene = await this.scene();
    if (turn === this.asked && typeof scene !== "string") await this.panel?.webview.postMessage({ body: body(scene) });
  }

  private async scene(): Promise<Scene | string> {
    const document = this.document;
    if (!document) return "there is no file.";
    const params = { textDocument: { uri: this.session.uri(document) } };
    try {
      const inspection = await this.session.request<Inspection>("hirope/inspect", params);
      return { name: basename(document.uri.path), inspection, line: this.line };
    } catch (error) {
      return `this file has no positions now (${(error as Error).message}).`;
    }
  }

  private async go(line: unknown): Promise<void> {
    if (!this.document || typeof line !== "number") return;
    const selection = new vscode.Range(line, 0, line, 0);
    const seen = vscode.window.visibleTextEditors.find((editor) => editor.document === this.document);
    await vscode.window.showTextDocument(this.document, { selection, viewColumn: seen?.viewColumn ?? vscode.ViewColumn.One });
  }
}
