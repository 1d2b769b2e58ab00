// Types letters in a real VS Code and writes down, for each, when ghost text stood in the page, and what the server says.
import { writeFileSync } from "node:fs";
import { Screen, until } from "./screen/screen.mjs";

const KEYS = Number(process.argv[2]);
const CODE = "\n\ndef shortened(paragraphs, width):\n    result = []\n    for paragraph in paragraphs:\n        lines = wrap(paragraph, width)\n        result.append(shorten(' '.join(lines), width))\n    return result\n";
const SELECTOR = ".ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text";
const RESTS_MS = 400;

// in the page: the time of the last key, and of the first frame after it that has ghost text
function watch(selector) {
  globalThis.hirope = { key: null, shown: null };
  addEventListener("keydown", (event) => event.key.length === 1 && Object.assign(hirope, { key: event.timeStamp, shown: null }), true);
  const look = () => {
    if (hirope.key !== null && hirope.shown === null && document.querySelector(selector)?.textContent) {
      const seen = () => (hirope.shown ??= performance.now());
      requestAnimationFrame(() => setTimeout(seen, 0)); // after the frame was painted
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}

const screen = await Screen.open();
const rows = [];
try {
  await screen.edit("wrapping.py");
  await screen.page.evaluate(watch, SELECTOR);
  for (let at = 0; rows.filter(({ outcome }) => outcome === "shown").length < KEYS; at = (at + 1) % CODE.length) {
    await screen.press("Escape");
    await screen.noGhost();
    await until("nothing is asked", async () => !(await screen.status()).busy);
    await new Promise((resolve) => setTimeout(resolve, RESTS_MS));
    await screen.type(CODE[at], 0);
    if (CODE[at] === "\n") continue;
    await new Promise((resolve) => setTimeout(resolve, RESTS_MS));
    await until("it is answered", async () => !(await screen.status()).busy);
    const { outcome, timings } = await screen.last();
    if (!outcome.startsWith("shown")) continue;
    const { key, shown } = await until("ghost text", () => screen.page.evaluate(() => hirope.shown && hirope), 5000).catch(() => ({}));
    if (shown) rows.push({ key: CODE[at], outcome, editor: shown - key, server: timings.total });
  }
} finally {
  await screen.close();
}
writeFileSync(process.argv[3], JSON.stringify(rows));
