/** What is said where there is no server: the exact command that installs it, and what to do with it. */

import * as vscode from "vscode";
import { activePython } from "./finding";
import { runInTerminal } from "./terminal";

/** The command that installs the server into the active Python environment, or into one of its own. */
export async function installCommand(): Promise<string> {
  const python = await activePython();
  return `${python ? quoted(python) : process.platform === "win32" ? "py" : "python3"} -m pip install hirope-ls`;
}

/** Tell that there is no server; `retry` looks for it again. */
export async function offerInstall(retry: () => void): Promise<void> {
  const command = await installCommand();
  const said = `HiRoPE needs the program hirope-ls, which was not found. Install it with: ${command}`;
  const chosen = await vscode.window.showWarningMessage(said, "Install in Terminal", "Copy Command", "Set Path", "Retry");
  if (chosen === "Install in Terminal") runInTerminal("Install hirope-ls", command);
  if (chosen === "Copy Command") await vscode.env.clipboard.writeText(command);
  if (chosen === "Set Path") await vscode.commands.executeCommand("workbench.action.openSettings", "hirope-ls.path");
  if (chosen === "Retry") retry();
}

function quoted(path: string): string {
  return /^[\w./\\:-]+$/.test(path) ? path : `"${path}"`;
}
