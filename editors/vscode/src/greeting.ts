/** The first start: the walkthrough is opened once, and its example is a file with a completion to accept. */

import * as vscode from "vscode";

const EXAMPLE = `class Rectangle:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self):
        return self.width * self.height


class Box:
    def __init__(self, width, height, depth):
        self.width = width
        self.`;

/** Open the walkthrough, unless that was done before or the user wants none. */
export async function greet(context: vscode.ExtensionContext): Promise<void> {
  const wanted = vscode.workspace.getConfiguration("workbench.welcomePage.walkthroughs").get("openOnInstall", true);
  if (context.globalState.get("greeted") || !wanted) return;
  await context.globalState.update("greeted", true);
  await openWalkthrough(context.extension.id);
}

/** Open the walkthrough. */
export async function openWalkthrough(id: string): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", `${id}#start`, false);
}

/** A new Python file where a suggestion comes at once. */
export async function tryIt(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: "python", content: EXAMPLE });
  const editor = await vscode.window.showTextDocument(document);
  const end = document.lineAt(document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
  await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
}
