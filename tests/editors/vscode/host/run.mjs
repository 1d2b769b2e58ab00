// Opens a page whose extension host runs a suite of this folder, and ends as that does.
import { fileURLToPath } from "node:url";
import { browse, HOST } from "../screen/screen.mjs";

const PATIENCE_MS = 1_500_000;
const here = fileURLToPath(new URL(".", import.meta.url)).replace(/\/$/, "");
const remote = (path) => `vscode-remote://${HOST}${path}`;
const payload = [
  ["extensionDevelopmentPath", remote(here)],
  ["extensionTestsPath", remote(`${here}/${process.argv[2]}/index`)],
];

const { browser, page } = await browse();
const ended = new Promise((resolve) => page.exposeFunction("codeAutomationExit", resolve));
await page.exposeFunction("codeAutomationLog", () => undefined);
const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "late").unref());
await page.goto(`http://${HOST}/?folder=${process.env.HIROPE_FOLDER}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
const code = await Promise.race([ended, late]);
if (process.env.HIROPE_SHOTS && code !== 0) await page.screenshot({ path: `${process.env.HIROPE_SHOTS}/failed-host.png` });
await browser.close();
process.exitCode = code === "late" ? 3 : code;
