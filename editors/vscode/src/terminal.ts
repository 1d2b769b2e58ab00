/** Commands that the user sees running. */

import * as vscode from "vscode";

/** Run a line of shell in a new terminal. */
export function runInTerminal(name: string, line: string): void {
  const terminal = vscode.window.createTerminal({ name });
  terminal.show();
  terminal.sendText(line);
}

/** Run a program in a terminal of its own, with no shell between; it stays readable when the program has ended. */
export async function runProgram(name: string, program: string, args: string[]): Promise<void> {
  const run = new vscode.ProcessExecution(program, args);
  const task = new vscode.Task({ type: "process" }, vscode.TaskScope.Workspace, name, "HiRoPE", run, []);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true };
  await vscode.tasks.executeTask(task);
}
