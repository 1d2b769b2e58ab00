// Waiting for conditions, never for times. CommonJS, for VS Code's extension host takes no other.
const { setTimeout: sleep } = require("node:timers/promises");

const PATIENCE_MS = 180_000;

/** Wait until `holds` gives something true; what it gave. */
exports.until = async (what, holds, patience = PATIENCE_MS) => {
  const end = Date.now() + patience;
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
