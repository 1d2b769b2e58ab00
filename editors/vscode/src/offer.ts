/**
 * What is said where there is no server: the exact command that installs it, and what to do with it.
 *
 * It is installed from a clone of the repository, which is looked for where the README has it, else asked for.
 */

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import install from "../../install.json";
import { activePython } from "./finding";
import { runLine } from "./terminal";

const TERMINAL = "Install in Terminal";
const COPY = "Copy Command";
const SET = "Set Path";
const RETRY = "Retry";

/** The command that installs the server into the active Python environment, or into one of its own. */
export async function installCommand(clone = knownClone()): Promise<string> {
  const python = await activePython();
  if (python) return `${called(python)} -m pip install ${quoted(clone ?? usual())}`;
  if (process.platform === "win32") return onWindows(clone ?? usual());
  return clone && clone !== usual() ? install.command.replace(/\S+$/, quoted(clone)) : install.command;
}

/** Tell that there is no server; `retry` looks for it again. */
export async function offerInstall(retry: () => void): Promise<void> {
  const clone = knownClone();
  const where = clone ? "" : ` (~/${install.clone}: your clone of its repository)`;
  const said = `HiRoPE needs the program hirope-ls, which was not found. Install it with: ${await installCommand(clone)}${where}`;
  const chosen = await vscode.window.showWarningMessage(said, TERMINAL, COPY, SET, RETRY);
  if (chosen === TERMINAL) await installNow(retry);
  if (chosen === COPY) await vscode.env.clipboard.writeText(await installCommand(clone));
  if (chosen === SET) await vscode.commands.executeCommand("workbench.action.openSettings", "hirope-ls.path");
  if (chosen === RETRY) retry();
}

async function installNow(retry: () => void): Promise<void> {
  const clone = knownClone() ?? (await askForClone());
  if (clone && (await runLine("Install hirope-ls", await installCommand(clone)))) retry();
}

/** A clone that is where the README has it, or that is open and trusted. */
function knownClone(): string | undefined {
  const open = vscode.workspace.isTrusted ? (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath) : [];
  return [usual(), ...open].find(isClone);
}

async function askForClone(): Promise<string | undefined> {
  const title = "Where is your clone of hirope-ls?";
  const chosen = await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, title });
  const folder = chosen?.[0]?.fsPath;
  if (folder && !isClone(folder)) void vscode.window.showErrorMessage(`HiRoPE: ${folder} is no clone of hirope-ls.`);
  return folder && isClone(folder) ? folder : undefined;
}

function isClone(folder: string): boolean {
  const project = join(folder, "pyproject.toml");
  return existsSync(project) && /^name *= *"hirope-ls"$/m.test(readFileSync(project, "utf8"));
}

function usual(): string {
  return join(homedir(), install.clone);
}

function onWindows(clone: string): string {
  return `py -m venv "$HOME\\${install.environment}"; & "$HOME\\${install.environment}\\Scripts\\pip" install "${clone}"`;
}

function called(program: string): string {
  const word = quoted(program);
  return process.platform === "win32" && word !== program ? `& ${word}` : word;
}

function quoted(path: string): string {
  if (/^[\w./\\:~-]+$/.test(path)) return path;
  return process.platform === "win32" ? `"${path}"` : `'${path.replace(/'/g, `'\\''`)}'`;
}
