// The page in a real browser: npm run e2e. With FLOW_VISUALIZER_URL it runs against that
// server, which must have recorded a few flows in the last 15 minutes; what needs a
// recording of its own is then left out. npm run e2e -- map table runs those parts alone.

import { check, equal, runAll } from "./checks.mjs";
import { browser, site, trouble } from "./page.mjs";

const anywhere = ["frame", "filters", "time", "map", "table", "answers"];
const recorded = ["recordings", "cluster", "merged"];
const chosen = process.argv.slice(2);
for (const part of site.mock ? [...anywhere, ...recorded] : anywhere) {
  if (chosen.length === 0 || chosen.includes(part)) await import(`./${part}.mjs`);
}

check("no other host was asked for anything and nothing was logged as an error", async () => {
  equal([...new Set(trouble)], [], "trouble");
});

const failed = await runAll();
await browser.close();
await site.close();
process.exit(failed === 0 ? 0 : 1);
