// Stands for the Python extension, which no package registry has: the part of its API that tells the active environment.
// Its environment is what the suite chose last.
const vscode = require("vscode");

exports.activate = () => {
  const changed = new vscode.EventEmitter();
  let active = null;
  return {
    choose(path) {
      active = path;
      changed.fire({ path });
    },
    environments: {
      getActiveEnvironmentPath: () => ({ path: active }),
      resolveEnvironment: async ({ path }) => (path ? { executable: { uri: vscode.Uri.file(path) } } : undefined),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
