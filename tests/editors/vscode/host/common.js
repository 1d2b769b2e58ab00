// What the suites in the extension host share.
const vscode = require("vscode");
const { setTimeout: sleep } = require("node:timers/promises");

const PATIENCE_MS = 180_000;

/** Wait until `holds` gives something true; what it gave. */
exports.until = async (what, holds) => {
  const end = Date.now() + PATIENCE_MS;
  let problem = "";
  for (;;) {
    try {
      const found = await holds();
      if (found) return found;
    } catch (error) {
      problem = String(error);
    }
    if (Date.now() > end) throw new Error(`in vain: ${what} ${problem}`);
    await sleep(50);
  }
};

/** The extension's exports, once its server was started or could not be. */
exports.hirope = async () => {
  const api = await vscode.extensions.getExtension("hirope-ls.hirope-ls").activate();
  await api.started;
  return api;
};

/** Open a file of the project with the cursor at a place. */
exports.edit = async (name, line = 0, character = 0) => {
  const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, name);
  const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
  const at = new vscode.Position(line, character);
  editor.selection = new vscode.Selection(at, at);
  return editor;
};

exports.run = (name, ...args) => vscode.commands.executeCommand(`hirope-ls.${name}`, ...args);

exports.settings = () => vscode.workspace.getConfiguration("hirope-ls");
