// Time: the histogram, ranges, and live.

import { check, equal, expect, until } from "./checks.mjs";
import { open, params, ready } from "./page.mjs";

check("brushing the histogram pauses and narrows; + zooms into it; space resumes", async () => {
  const page = await open("?last=15m");
  await ready(page);
  const box = await page.locator(".hist .plot").boundingBox();
  const asked = page.waitForRequest((r) => r.url().includes("/api/v1/groups") && Number(new URL(r.url()).searchParams.get("to")) < Date.now() - 60_000, { timeout: 10_000 });
  await page.mouse.move(box.x + 300, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + 700, box.y + 40, { steps: 5 });
  await page.mouse.up();
  await asked;
  await page.waitForSelector("text=Resume live");
  const [from, to] = params(page).get("brush").split("~").map((t) => Date.parse(t));
  expect(from < to, "the brush is empty");
  await page.keyboard.press("+");
  await until(() => !params(page).has("brush"), "the zoom");
  equal([Date.parse(params(page).get("from")), Date.parse(params(page).get("to"))], [from, to], "the range");
  await page.keyboard.press("Space");
  await page.waitForSelector(".btn.live");
  equal([params(page).has("from"), params(page).has("to")], [false, false], "fixed range in the URL");
  await page.close();
});

check("live brings new flows into the table and counts them while paused", async () => {
  const page = await open("?view=flows");
  await page.waitForSelector(".rows .tr");
  const first = () => page.getAttribute(".rows .tr >> nth=0 >> .td >> nth=0 >> span", "title").catch(() => null);
  const before = await first();
  await until(async () => (await first()) !== before, "a new first row");
  await page.click("[aria-label=pause]");
  await page.waitForSelector("text=Resume live");
  await until(async () => /^\+[1-9]/.test(await page.textContent(".btn.waiting")), "flows that wait");
  await page.click("text=Resume live");
  await page.waitForSelector(".btn.live");
  await page.close();
});

check("time pages by arrows and a range can be written", async () => {
  const page = await open("?last=15m");
  await ready(page);
  await page.keyboard.press("ArrowLeft");
  await until(() => params(page).has("from"), "the earlier range");
  equal(Date.parse(params(page).get("to")) - Date.parse(params(page).get("from")), 900_000, "its width");
  await page.click("[aria-label='time range']");
  await page.fill(".ranges input >> nth=0", "2026-01-02 03:04:05");
  await page.fill(".ranges input >> nth=1", "2026-01-01 03:04:05");
  await page.click("text=Show this range");
  await page.waitForSelector("text=The start must be before the end.");
  await page.fill(".ranges input >> nth=1", "2026-01-02 03:14:05");
  await page.click("text=Show this range");
  await page.waitForSelector("text=Nothing was recorded in this time");
  await page.click("[aria-label='time range']");
  await page.click("text=Last 5 min");
  await ready(page);
  equal(params(page).get("last"), "5m", "the preset in the URL");
  await page.close();
});
