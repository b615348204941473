// The page on recordings that a machine seldom has, which only the mock has.

import { check, equal, expect, until } from "./checks.mjs";
import { browser, count, params, places, ready, requests } from "./page.mjs";
import { openSite } from "./site.mjs";

check("the first minute is shown as the last minute, until the recording is longer or another range is chosen", async () => {
  const young = await openSite("first");
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const widths = new Set();
  page.on("request", (r) => {
    const p = new URL(r.url()).searchParams;
    if (r.url().includes("/histogram")) widths.add(Math.round((p.get("to") - p.get("from")) / 1000));
  });
  await page.goto(young.url);
  await ready(page);
  const range = () => page.textContent("[aria-label='time range']");
  equal(await range(), "Last minute", "the first range");
  const before = await places(page);
  await until(async () => (await range()) === "Last 5 min", "the range to grow");
  await requests(page, "groups");
  await requests(page, "groups");
  const after = await places(page);
  for (const id of Object.keys(before)) if (after[id]) equal([after[id].x, after[id].y], [before[id].x, before[id].y], `the place of ${id}`);
  equal([...widths], [60, 300], "seconds that were asked for");
  equal(new URL(page.url()).search, "", "the URL");
  await page.click("[aria-label='time range']");
  await page.click("text=Last 15 min");
  equal([await range(), params(page).get("last")], ["Last 15 min", "15m"], "the chosen range");
  await page.reload();
  await ready(page);
  equal(await range(), "Last 15 min", "the range after a reload");
  await page.close();
  await young.close();
});

check("5,000 addresses are folded, drawn fast, and too many to draw is said", async () => {
  const many = await openSite("many");
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(many.url);
  await ready(page);
  expect((await count(page, ".node")) < 60, "more nodes than anyone can read");
  await page.waitForSelector("text=/small ones folded/");
  await page.dblclick(".node.fold");
  await page.waitForSelector(".state >> text=too many to draw");
  await page.click("text=Fold again");
  await ready(page);
  await page.close();
  await many.close();
});

check("what was lost is said in a banner and marked in the histogram", async () => {
  const lossy = await openSite("loss");
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(lossy.url);
  await page.waitForSelector(".banner >> text=/312 connections lost on debian-vm/");
  await page.waitForSelector(".lossmark");
  await page.click("text=Where and how many");
  await page.waitForSelector(".panel >> text=/ring buffer full/");
  await page.click("[aria-label=dismiss]");
  expect((await count(page, ".lossmark")) > 0, "dismissing took the mark away");
  await page.close();
  await lossy.close();
});
