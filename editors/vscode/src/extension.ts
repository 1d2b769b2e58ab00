/** The extension: its parts, wired, and its commands. */

import * as vscode from "vscode";
import { addressOf, Documents, SCHEME } from "./documents";
import { Explaining } from "./explaining";
import { onPythonChanged } from "./finding";
import { greet, openWalkthrough, tryIt } from "./greeting";
import { installCommand, offerInstall } from "./offer";
import { Positions } from "./positions";
import type { Place, Status } from "./protocol";
import { Session } from "./session";
import { menu, StatusBar } from "./statusbar";
import { toggle, toggleLanguage } from "./switches";
import { runProgram } from "./terminal";
import { report } from "./words";

/** What other extensions may use. */
export interface Api {
  /** Ask the server, by its own protocol: `hirope/status`, `hirope/inspect`, ... */
  request<T>(method: string, params: unknown): Promise<T>;
  /** Settled when the server was started, or could not be. */
  started: Promise<void>;
  /** The server's process, as this window sees it. */
  server: Pick<Session, "state" | "found" | "problem">;
}

let running: Session | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const log = vscode.window.createOutputChannel("HiRoPE", { log: true });
  const session = (running = new Session(log));
  const documents = new Documents();
  const explaining = new Explaining(session, documents);
  const positions = new Positions(session);
  const restart = () => session.restart();
  context.subscriptions.push(
    log,
    session,
    documents,
    explaining,
    positions,
    new StatusBar(session),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, documents),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("hirope-ls.path") && void restart()),
    vscode.window.onDidChangeActiveTextEditor((editor) => focused(session, editor)),
    ...commands({
      trigger: () => vscode.commands.executeCommand("editor.action.inlineSuggest.trigger"),
      toggle,
      toggleLanguage,
      restart,
      menu: () => menu(session),
      showStatus: () => showStatus(session, documents),
      showPositions: () => positions.show(),
      explain: () => explaining.atCursor(),
      runDoctor: () => runDoctor(session),
      openLog: () => log.show(),
      openSettings: () => vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${context.extension.id}`),
      openWalkthrough: () => openWalkthrough(context.extension.id),
      install: () => offerInstall(() => void restart()),
      tryIt,
    }),
    vscode.commands.registerCommand("hirope.showExplanation", (place: Place) => explaining.at(place)),
  );
  void onPythonChanged(() => session.state !== "running" && void restart()).then((part) => part && context.subscriptions.push(part));
  void greet(context);
  const started = restart().then(() => focused(session, vscode.window.activeTextEditor));
  return { request: (method, params) => session.request(method, params), started, server: session };
}

export function deactivate(): Promise<void> | undefined {
  return running?.stop();
}

function commands(table: Record<string, () => unknown>): vscode.Disposable[] {
  return Object.entries(table).map(([name, run]) => vscode.commands.registerCommand(`hirope-ls.${name}`, run));
}

function focused(session: Session, editor: vscode.TextEditor | undefined): void {
  if (editor) session.notify("hirope/didFocus", { uri: session.uri(editor.document) });
}

async function showStatus(session: Session, documents: Documents): Promise<void> {
  const uri = addressOf("HiRoPE status");
  const where = session.found ? `${session.found.command} (by ${session.found.where})` : "not found";
  let text = `# HiRoPE\n\nThe server is not running. ${session.problem ?? ""}\n\nServer: ${where}\n`;
  if (session.state === "running") text = report(await session.request<Status>("hirope/status", {}), where);
  documents.put(uri, text);
  await documents.show(uri, false);
}

async function runDoctor(session: Session): Promise<void> {
  if (session.found) await runProgram("hirope-ls doctor", session.found.command, ["doctor"]);
  else void vscode.window.showWarningMessage(`HiRoPE: there is no hirope-ls to ask. ${await installCommand()}`);
}
