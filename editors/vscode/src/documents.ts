/** Read-only documents that are made here: the status report and explanations. They may grow while they are shown. */

import { basename } from "node:path";
import * as vscode from "vscode";

export const SCHEME = "hirope-ls";
const FOCUS_MS = 3000;
const SETTLED_MS = 1000;

/** Texts by address; an editor that shows one follows it. */
export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly opening = vscode.workspace.onDidOpenTextDocument((document) => this.opened(document));
  readonly onDidChange = this.changed.event;

  dispose(): void {
    this.opening.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  put(uri: vscode.Uri, text: string): void {
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
  }

  /** Show one, rendered: here, or beside the code, which keeps the focus. */
  async show(uri: vscode.Uri, beside: boolean): Promise<void> {
    if (!vscode.extensions.getExtension("vscode.markdown-language-features")) return this.source(uri, beside);
    const code = vscode.window.activeTextEditor;
    await vscode.commands.executeCommand(beside ? "markdown.showLockedPreviewToSide" : "markdown.showPreview", uri);
    if (!beside || !code) return;
    const back = () => vscode.window.showTextDocument(code.document, code.viewColumn);
    await inFront(uri, FOCUS_MS);
    await back();
    if (await inFront(uri, SETTLED_MS)) await back(); // VS Code 1.93 lets it take the focus twice
  }

  /** VS Code passes over changes between its asking for a text and its document: told again here, or they were lost. */
  private opened(document: vscode.TextDocument): void {
    const text = this.texts.get(document.uri.toString());
    if (text !== undefined && text !== document.getText()) this.changed.fire(document.uri);
  }

  private async source(uri: vscode.Uri, beside: boolean): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    const column = beside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    await vscode.window.showTextDocument(document, { viewColumn: column, preview: true, preserveFocus: beside });
  }
}

/** Whether a tab shows a document of this name. */
export function isTabOf(tab: vscode.Tab, uri: vscode.Uri): boolean {
  if (tab.input instanceof vscode.TabInputText) return tab.input.uri.toString() === uri.toString();
  const rendered = tab.input instanceof vscode.TabInputWebview && tab.input.viewType.endsWith("markdown.preview");
  return rendered && tab.label.includes(basename(uri.path));
}

/** A preview takes the focus some time after its command has ended: true when it has, false if not within this time. */
function inFront(uri: vscode.Uri, patience: number): Promise<boolean> {
  const { tabGroups } = vscode.window;
  return new Promise((resolve) => {
    const look = () => {
      const tab = tabGroups.activeTabGroup.activeTab;
      if (tab && isTabOf(tab, uri)) end(true);
    };
    const parts = [tabGroups.onDidChangeTabs(look), tabGroups.onDidChangeTabGroups(look)];
    const late = setTimeout(() => end(false), patience);
    const end = (came: boolean) => {
      clearTimeout(late);
      vscode.Disposable.from(...parts).dispose();
      resolve(came);
    };
    look();
  });
}

/** The address of a document of this name. */
export function addressOf(name: string): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${name.replace(/[^\w.]+/g, "-")}.md` });
}
