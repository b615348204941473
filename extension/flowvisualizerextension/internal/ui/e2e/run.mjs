// The page in a real browser: npm run e2e. With FLOW_VISUALIZER_URL it runs against that
// server, which must have recorded a few flows in the last 15 minutes; what needs a
// recording of its own is then left out.

import { check, equal, runAll } from "./checks.mjs";
import { browser, site, trouble } from "./page.mjs";

for (const part of ["frame", "filters", "time", "map", "table", "answers"]) await import(`./${part}.mjs`);
if (site.mock) for (const part of ["recordings", "cluster", "merged"]) await import(`./${part}.mjs`);

check("no other host was asked for anything and nothing was logged as an error", async () => {
  equal([...new Set(trouble)], [], "trouble");
});

const failed = await runAll();
await browser.close();
await site.close();
process.exit(failed === 0 ? 0 : 1);
