/** The status bar's item, and the menu that a click on it opens. */

import * as vscode from "vscode";
import type { Session } from "./session";
import { isOff } from "./switches";
import { details, glance } from "./words";

/** Shows the session's state as long as it lives. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("hirope-ls", vscode.StatusBarAlignment.Right, 90);
  private readonly parts: vscode.Disposable[];

  constructor(private readonly session: Session) {
    this.item.name = "HiRoPE";
    this.item.command = "hirope-ls.menu";
    const show = () => this.show();
    this.parts = [
      this.item,
      session.onChanged(show),
      vscode.window.onDidChangeActiveTextEditor(show),
      vscode.workspace.onDidChangeConfiguration(show),
    ];
    this.show();
    this.item.show();
  }

  dispose(): void {
    vscode.Disposable.from(...this.parts).dispose();
  }

  private show(): void {
    const { session, item } = this;
    const now = glance(session.state, session.status, isOff(vscode.window.activeTextEditor?.document.languageId));
    item.text = `$(${now.icon}) HiRoPE${now.text ? `: ${now.text}` : ""}`;
    item.accessibilityInformation = { label: `HiRoPE code completion: ${now.text || "ready"}` };
    item.backgroundColor = now.warning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    item.tooltip = this.tooltip();
  }

  private tooltip(): vscode.MarkdownString {
    const shown = new vscode.MarkdownString("**HiRoPE** code completion\n\n");
    const problem = this.session.problem;
    if (problem) shown.appendText(problem);
    for (const [name, value] of this.session.status ? details(this.session.status) : [])
      shown.appendMarkdown(`${name}: `).appendText(value).appendMarkdown("  \n");
    return shown;
  }
}

/** The commands, to choose from. */
export async function menu(session: Session): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const off = isOff(undefined);
  const entries: (vscode.QuickPickItem & { run?: string })[] = [
    { label: `$(${off ? "play" : "circle-slash"}) Turn suggestions ${off ? "on" : "off"}`, run: "hirope-ls.toggle" },
    ...(language && !off
      ? [{ label: `$(symbol-file) Turn ${language} ${isOff(language) ? "on" : "off"}`, run: "hirope-ls.toggleLanguage" }]
      : []),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    { label: "$(symbol-structure) Show positions of this file", run: "hirope-ls.showPositions" },
    { label: "$(info) Show status", run: "hirope-ls.showStatus" },
    { label: "$(output) Open log", run: "hirope-ls.openLog" },
    { label: "$(pulse) Run doctor", run: "hirope-ls.runDoctor" },
    { label: "$(debug-restart) Restart the server", run: "hirope-ls.restart" },
    { label: "$(gear) Settings", run: "hirope-ls.openSettings" },
  ];
  const title = session.problem ?? "HiRoPE";
  const chosen = await vscode.window.showQuickPick(entries, { title, placeHolder: "What to do" });
  if (chosen?.run) await vscode.commands.executeCommand(chosen.run);
}
