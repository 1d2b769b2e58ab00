/** Explanations of the function or class at the cursor, in a document that grows as the model writes. */

import * as vscode from "vscode";
import { addressOf, type Documents, SCHEME } from "./documents";
import type { Explained, ExplanationPart, Place } from "./protocol";
import type { Session } from "./session";

interface Writing {
  uri: vscode.Uri;
  head: string;
  text: string;
  over: boolean;
}

/** One explanation is written at a time; closing its document stops it. */
export class Explaining implements vscode.Disposable {
  private current: { uri: string; stop: vscode.CancellationTokenSource } | null = null;
  private readonly writings = new Map<string | number, Writing>();
  private readonly parts: vscode.Disposable[];
  private count = 0;

  constructor(
    private readonly session: Session,
    private readonly documents: Documents,
  ) {
    this.parts = [
      session.onExplanation((part) => this.came(part)),
      vscode.workspace.onDidCloseTextDocument((document) => this.closed(document)),
    ];
  }

  dispose(): void {
    this.current?.stop.dispose();
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
    this.current?.stop.cancel();
    const stop = new vscode.CancellationTokenSource();
    const token = `vscode/${++this.count}`;
    const writing: Writing = { uri: addressOf(`Explanation ${this.count}`), head: "", text: "", over: false };
    this.writings.clear();
    this.writings.set(token, writing);
    this.current = { uri: writing.uri.toString(), stop };
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
    await this.documents.show(writing.uri, true);
  }

  private came(part: ExplanationPart): void {
    const writing = this.writings.get(part.token);
    if (!writing) return;
    writing.text += part.text ?? "";
    if (part.done) {
      writing.over = true;
      this.writings.delete(part.token);
      this.documents.put(writing.uri, part.markdown ?? writing.head);
    } else this.write(writing);
  }

  private write(writing: Writing): void {
    const quoted = writing.text.trim().replace(/^/gm, "> ");
    this.documents.put(writing.uri, writing.text.trim() ? `${writing.head}\n\n${quoted}\n` : writing.head);
  }

  private closed(document: vscode.TextDocument): void {
    if (document.uri.scheme !== SCHEME) return;
    if (this.current?.uri === document.uri.toString()) this.current.stop.cancel();
    this.documents.forget(document.uri);
  }
}
