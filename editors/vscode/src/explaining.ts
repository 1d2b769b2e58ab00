/** Explanations of the function or class at the cursor, in a document that grows as the model writes. */

import * as vscode from "vscode";
import { addressOf, type Documents, isTabOf } from "./documents";
import type { Explained, ExplanationPart, Place } from "./protocol";
import type { Session } from "./session";

const VIEW = addressOf("Explanation");

interface Writing {
  head: string;
  text: string;
  over: boolean;
}

/** One explanation is written at a time; closing its view stops it. */
export class Explaining implements vscode.Disposable {
  private current: vscode.CancellationTokenSource | null = null;
  private readonly writings = new Map<string | number, Writing>();
  private readonly parts: vscode.Disposable[];
  private count = 0;

  constructor(
    private readonly session: Session,
    private readonly documents: Documents,
  ) {
    this.parts = [
      session.onExplanation((part) => this.came(part)),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => this.closed(closed)),
    ];
  }

  dispose(): void {
    this.current?.dispose();
    vscode.Disposable.from(...this.parts).dispose();
  }

  /** Explain what stands at the cursor. */
  async atCursor(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return;
    const { line, character } = editor.selection.active;
    await this.at({ textDocument: { uri: this.session.uri(editor.document) }, position: { line, character } });
  }

  /** Explain what stands at this place. */
  async at(place: Place): Promise<void> {
    this.current?.cancel();
    const stop = (this.current = new vscode.CancellationTokenSource());
    const token = `vscode/${++this.count}`;
    const writing: Writing = { head: "", text: "", over: false };
    this.writings.clear();
    this.writings.set(token, writing);
    const bar = { location: vscode.ProgressLocation.Window, title: "HiRoPE: looking it up" };
    let reply: Explained | null;
    try {
      const ask = () => this.session.request<Explained | null>("hirope/explain", { ...place, token }, stop.token);
      reply = await vscode.window.withProgress(bar, ask);
    } catch (error) {
      if (!stop.token.isCancellationRequested) void vscode.window.showErrorMessage(`HiRoPE: ${(error as Error).message}`);
      return;
    }
    if (!reply) {
      void vscode.window.showInformationMessage("HiRoPE: no function or class whose definition is known is named here.");
      return;
    }
    if (!writing.over) {
      writing.head = reply.markdown;
      this.write(writing);
    }
    await this.documents.show(VIEW, true);
  }

  private came(part: ExplanationPart): void {
    const writing = this.writings.get(part.token);
    if (!writing) return;
    writing.text += part.text ?? "";
    if (part.done) {
      writing.over = true;
      this.writings.delete(part.token);
      this.documents.put(VIEW, reachable(part.markdown ?? writing.head));
    } else this.write(writing);
  }

  private write(writing: Writing): void {
    const quoted = writing.text.trim().replace(/^/gm, "> ");
    this.documents.put(VIEW, reachable(writing.text.trim() ? `${writing.head}\n\n${quoted}\n` : writing.head));
  }

  private closed(tabs: readonly vscode.Tab[]): void {
    if (tabs.some((tab) => isTabOf(tab, VIEW))) this.current?.cancel();
  }
}

/** Links to files as the Markdown preview takes them: from the first folder on. It shows no others, so they become text. */
function reachable(markdown: string): string {
  const first = vscode.workspace.workspaceFolders?.[0];
  return markdown.replace(/\[([^\]\n]*)\]\(<(file:[^>\n]*)>\)/g, (_, text: string, target: string) => {
    const uri = vscode.Uri.parse(target);
    if (!first || vscode.workspace.getWorkspaceFolder(uri)?.uri.toString() !== first.uri.toString()) return text;
    return `[${text}](<${encodeURI(`/${vscode.workspace.asRelativePath(uri, false)}`)}#${uri.fragment}>)`;
  });
}
