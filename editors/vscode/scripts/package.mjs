// dist/hirope-ls.vsix, the same bytes for the same sources: every file in it has one date, and files come in one order.
import { execFileSync } from "node:child_process";
import "./build.mjs";

const env = { ...process.env, SOURCE_DATE_EPOCH: process.env.SOURCE_DATE_EPOCH ?? "1767225600" };
const vsce = "node_modules/@vscode/vsce/vsce";
const flags = ["--no-dependencies", "--allow-missing-repository", "--skip-license", "--no-rewrite-relative-links", "--out", "dist/hirope-ls.vsix"];
execFileSync(process.execPath, [vsce, "package", ...flags], { env, stdio: "inherit" });
