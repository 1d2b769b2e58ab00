// Runs what the suite sends, inside the extension host: it sees what the screen does not show.
// One connection at a time, from this machine; never part of the product.
const http = require("node:http");
const vscode = require("vscode");

exports.activate = (context) => {
  const hirope = vscode.extensions.getExtension("hirope-ls.hirope-ls");
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      try {
        const { code, args } = JSON.parse(Buffer.concat(parts).toString());
        const run = new Function("vscode", "hirope", "args", `return (async () => { ${code} })();`);
        const value = await run(vscode, hirope.exports, args);
        response.end(JSON.stringify({ value: value === undefined ? null : value }));
      } catch (error) {
        response.end(JSON.stringify({ error: String(error && error.stack) }));
      }
    });
  });
  server.listen(Number(process.env.HIROPE_PROBE_PORT), "127.0.0.1");
  context.subscriptions.push({ dispose: () => server.close() });
};
