// Servers that fail, readings that take long, and agents that say nothing.

import { check, equal, expect, until } from "./checks.mjs";
import { count, open, ready, site } from "./page.mjs";

check("a server that fails is said, with a way to try again", async () => {
  const page = await open("?view=flows");
  page.expectsErrors = true;
  for (const path of ["groups", "flows"]) {
    await page.route(`**/api/v1/${path}?*`, (r) => r.fulfill({ status: 503, json: { error: { code: "store_unavailable", message: "the store is not open" } } }));
  }
  await page.goto(`${site.url}?view=flows&from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z`);
  await page.waitForSelector(".note >> text=the store is not open");
  await page.goto(`${site.url}?last=15m`);
  await page.waitForSelector(".state >> text=The store is not available");
  await page.unroute("**/api/v1/groups?*");
  await page.unroute("**/api/v1/flows?*");
  await page.click(".state >> text=Try again");
  await ready(page);
  await page.waitForSelector(".rows .tr");
  await page.close();
});

check("a long reading can be cancelled, which closes the connections, and tried again", async () => {
  const page = await open("?last=15m");
  await ready(page);
  const slow = async () => {
    for (const path of ["groups", "histogram", "flows"]) await page.route(`**/api/v1/${path}?*`, () => {});
  };
  const quick = () => page.unrouteAll({ behavior: "ignoreErrors" });
  const closed = [];
  page.on("requestfailed", (r) => closed.push(`${new URL(r.url()).pathname.split("/").at(-1)} ${r.failure().errorText}`));

  // Another range over a map that is there: it stays until it is cancelled.
  await slow();
  await page.click("[aria-label='time range']");
  await page.click("text=Last 6 hours");
  await page.waitForSelector(".reading >> text=/Reading 6 h/");
  expect((await count(page, ".node")) > 0, "the map went before there was another");
  await page.click("#cancel");
  await page.waitForSelector(".state >> text=Reading was cancelled");
  equal(/\d/.test(await page.textContent("#counts")), false, "counts of what was asked before");
  await until(() => ["groups", "histogram", "flows"].every((path) => closed.includes(`${path} net::ERR_ABORTED`)), `closed connections, got ${closed}`);
  const asked = [];
  page.on("request", (r) => asked.push(r.url()));
  await page.waitForTimeout(3000);
  equal(asked.filter((url) => /groups|histogram|flows\?/.test(url)), [], "what was asked after cancelling");
  await quick();
  await page.click(".state >> text=Try again");
  await ready(page);
  await page.waitForSelector(".rows .tr");
  await page.waitForSelector(".hist .f-allow", { state: "attached" });

  // A page that has nothing yet, and the keys.
  for (const view of ["map", "flows"]) {
    await slow();
    await page.goto(`${site.url}?last=1h&view=${view}`);
    await page.waitForSelector("#cancel");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".state >> text=Reading was cancelled");
    await quick();
    await page.keyboard.press("r");
    await page.waitForSelector(view === "map" ? ".node" : ".rows .tr");
  }
  await page.close();
});

check("an agent that sends nothing is said, and one that was stopped in other words", async () => {
  const page = await open();
  await page.route("**/api/v1/stream*", (r) => r.abort());
  let ended = false;
  await page.route("**/api/v1/status", async (r) => {
    const answer = await (await r.fetch()).json();
    for (const a of answer.agents) Object.assign(a, { ended, lastSeen: new Date(Date.now() - 3_600_000).toISOString() });
    await r.fulfill({ json: answer });
  });
  page.expectsErrors = true;
  await page.reload();
  await page.waitForSelector(".banner >> text=/has sent nothing for/");
  ended = true;
  await page.reload();
  await page.waitForSelector(".banner >> text=/The agent of .+ was stopped .+ ago/");
  await page.click(".banner >> text=What is captured");
  await page.waitForSelector(".panel >> text=/stopped at/");
  await page.close();
});
