// The whole page: what it begins with, themes, help, and what holds for all of it.

import { check, equal, expect, until } from "./checks.mjs";
import { lowContrast } from "./look.mjs";
import { browser, count, open, params, ready, requests, site } from "./page.mjs";

check("the page loads with map, histogram, table and panel", async () => {
  const page = await open();
  await ready(page);
  await page.waitForSelector(".rows .tr");
  // A collector that has just started has recorded for less than a bar yet.
  await page.waitForFunction(() => document.querySelectorAll(".hist rect.f-allow").length > 1, null, { timeout: 20_000 });
  expect((await count(page, "svg.edges .e")) > 0, "the map has no edge");
  expect(/Recording/.test(await page.textContent(".panel h2")), "the panel does not say what is recorded");
  expect(/\d+ endpoints?, \d+ edges?, [\d,.]+/.test(await page.textContent("#counts")), "the footer counts nothing");
  await page.close();
});

check("what is not captured is listed beside what is", async () => {
  const page = await open();
  await page.waitForSelector(".checks li");
  equal(await count(page, ".checks li"), (await count(page, ".checks .c-allow")) + (await count(page, ".checks .c-unk")), "lines with a mark");
  expect(/Kubernetes/.test(await page.textContent(".checks")), "what is missing is not named");
  await page.close();
});

check("the theme follows the system, is switched by t and remembered", async () => {
  const context = await browser.newContext({ colorScheme: "dark", viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const theme = () => page.getAttribute("html", "data-theme");
  await page.goto(site.url);
  await ready(page);
  equal(await theme(), "dark", "the system's theme");
  await page.keyboard.press("t");
  equal(await theme(), "light", "after t");
  await page.reload();
  await ready(page);
  equal([await theme(), params(page).has("theme")], ["light", false], "after a reload");
  await context.close();
});

for (const theme of ["light", "dark"]) {
  check(`every text is at least 4.5 : 1 on its ground (${theme})`, async () => {
    const page = await open("?last=1h&sel=capture", { colorScheme: theme });
    await ready(page);
    await page.waitForSelector(".rows .tr");
    const bad = await page.evaluate(lowContrast);
    equal(bad, [], "text that is hard to read");
    await page.close();
  });
}

check("the help names every key and is left by escape", async () => {
  const page = await open();
  await ready(page);
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  expect((await count(page, "dialog dt")) > 8, "few keys are named");
  await page.keyboard.press("Escape");
  await until(async () => (await count(page, "dialog[open]")) === 0, "the dialog to close");
  await page.close();
});

check("everything that can be pressed has a name", async () => {
  const page = await open("?last=1h");
  await ready(page);
  await page.waitForSelector(".rows .tr");
  const nameless = await page.$$eval("button, a, input, [role=button], [role=separator]", (all) =>
    all.filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML.slice(0, 100)));
  equal(nameless, [], "without a name");
  await page.close();
});

check("a machine without network still shows its own flows", async () => {
  const page = await open("?last=1h");
  await ready(page);
  // What a page hears when the network goes; the server on the same machine still answers.
  await page.evaluate(() => dispatchEvent(new Event("offline")));
  for (let i = 0; i < 2; i++) await requests(page, "groups");
  await page.close();
});
