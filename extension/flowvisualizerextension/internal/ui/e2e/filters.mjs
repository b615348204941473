// Filters: by a click, by keyboard, and such as cannot be read.

import { check, equal, expect, until } from "./checks.mjs";
import { count, open, params, pause, ready } from "./page.mjs";

check("clicking a value adds a chip and puts the filter in the URL", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr .v");
  await pause(page);
  const value = page.locator(".rows .tr >> nth=0 >> .v[data-filter^='destination.port']");
  const filter = await value.getAttribute("data-filter");
  await value.click();
  await page.waitForSelector(".chip");
  equal(params(page).getAll("f"), [filter], "filters in the URL");
  await until(async () => (await page.$$eval(".rows .tr .v[data-filter^='destination.port']", (v) => [...new Set(v.map((x) => x.dataset.filter))])).join() === filter, "the table to show that port only");
  await page.close();
});

check("alt-click excludes; a click on the chip's field switches it off and × removes it", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr .v");
  await pause(page);
  await page.locator(".rows .tr >> nth=0 >> .v[data-filter^='destination.port']").click({ modifiers: ["Alt"] });
  await page.waitForSelector(".chip");
  expect(params(page).get("f").startsWith("destination.port !="), `excluded with ${params(page).get("f")}`);
  await page.click(".chip .fld");
  await page.waitForSelector(".chip.off");
  equal([params(page).getAll("f").length, params(page).getAll("off").length], [0, 1], "filters on and off");
  await page.reload();
  await page.waitForSelector(".chip.off");
  await page.click(".chip .x");
  await until(async () => (await count(page, ".chip")) === 0, "the chip to go");
  equal(params(page).has("off"), false, "the URL after removing");
  await page.goBack();
  await page.waitForSelector(".chip.off");
  await page.close();
});

check("hovering a value names the filter", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr .v");
  await pause(page);
  const value = page.locator(".rows .tr >> nth=0 >> .v >> nth=1");
  await value.hover();
  const filter = await value.getAttribute("data-filter");
  await until(async () => (await page.locator(".tip").textContent()).startsWith(filter), `a tip that names ${filter}`);
  await page.close();
});

check("the search field completes fields, operators and values by keyboard", async () => {
  const page = await open();
  await ready(page);
  await page.keyboard.press("/");
  await page.keyboard.type("flow.act");
  await page.waitForSelector("[role=option]");
  await page.keyboard.press("Tab");
  equal(await page.inputValue("#search"), "flow.action ", "after the field");
  await page.keyboard.type("=");
  await page.waitForSelector("[role=option] >> text=is");
  await page.keyboard.press("Tab");
  await page.waitForSelector("[role=option] >> text=allow");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".chip");
  equal(params(page).getAll("f"), ["flow.action = allow"], "filters in the URL");
  await page.click(".chip .val");
  equal(await page.inputValue("#search"), "flow.action = allow", "while editing");
  await page.fill("#search", "flow.action != deny");
  await page.keyboard.press("Enter");
  await until(() => params(page).get("f") === "flow.action != deny", "the edited filter");
  await page.close();
});

check("a filter that cannot be read is said in the bar, here and by the server", async () => {
  const page = await open();
  page.expectsErrors = true;
  await ready(page);
  await page.fill("#search", "destination.port = = 4");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".search .msg");
  equal(params(page).has("f"), false, "filters in the URL");
  await page.fill("#search", "no.such.field = 1");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".search.bad .msg");
  await page.waitForSelector(".chip.bad");
  await page.waitForSelector(".state >> text=A filter cannot be read");
  await page.click(".state >> text=Switch the last filter off");
  await ready(page);
  await page.close();
});

check("filters that match nothing name the last one and can be switched off", async () => {
  const page = await open("?last=1h&f=flow.action+%3D+allow&f=destination.port+%3D+1");
  await page.waitForSelector(".state >> text=No flows match these 2 filters");
  await page.click(".state >> text=Switch it off");
  await ready(page);
  equal(params(page).getAll("off"), ["destination.port = 1"], "what is off");
  await page.close();
});
