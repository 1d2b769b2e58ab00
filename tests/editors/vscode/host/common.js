// What the suites in the extension host share.
const vscode = require("vscode");

exports.until = require("../until").until;

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
