// dist/hirope-ls.vsix, the same bytes for the same sources: files come in one order, with one date and one mode.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import "./build.mjs";

const OUT = "dist/hirope-ls.vsix";
const env = { ...process.env, SOURCE_DATE_EPOCH: process.env.SOURCE_DATE_EPOCH ?? "1767225600" };
const vsce = "node_modules/@vscode/vsce/vsce";
const flags = ["--no-dependencies", "--allow-missing-repository", "--skip-license", "--no-rewrite-relative-links", "--out", OUT];
execFileSync(process.execPath, [vsce, "package", ...flags], { env, stdio: "inherit" });
writeFileSync(OUT, withOneMode(readFileSync(OUT)));

/** The archive with rw-r--r-- for every file, whatever the umask was: in the central directory, which its end points to. */
function withOneMode(zip) {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06"));
  let entry = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(entry) !== 0x02014b50) throw new Error("this is no archive as vsce makes it");
    zip.writeUInt32LE(0o100644 * 0x10000, entry + 38);
    entry += 46 + [28, 30, 32].reduce((sum, field) => sum + zip.readUInt16LE(entry + field), 0);
  }
  return zip;
}
