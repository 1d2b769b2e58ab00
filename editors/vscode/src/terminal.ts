/** Programs that the user sees running. */

import * as vscode from "vscode";

/** Run a line of shell; whether it ended well. */
export function runLine(name: string, line: string): Promise<boolean> {
  return ended(name, "shell", new vscode.ShellExecution(line));
}

/** Run a program with no shell between; what it said stays readable when it has ended. */
export function runProgram(name: string, program: string, args: string[]): Promise<boolean> {
  return ended(name, "process", new vscode.ProcessExecution(program, args));
}

async function ended(name: string, type: string, run: vscode.ShellExecution | vscode.ProcessExecution): Promise<boolean> {
  const task = new vscode.Task({ type }, vscode.TaskScope.Workspace, name, "HiRoPE", run, []);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true };
  return new Promise((resolve, reject) => {
    const heard = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
      if (execution.task.name !== name) return;
      heard.dispose();
      resolve(exitCode === 0);
    });
    vscode.tasks.executeTask(task).then(undefined, (problem) => {
      heard.dispose();
      reject(problem);
    });
  });
}
