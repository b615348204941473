// The browser, the site under test, and what every check does with a page.

import { openBrowser, openSite } from "./site.mjs";

export const site = await openSite();
export const browser = await openBrowser();
export const trouble = [];

export async function open(search = "", options = {}, url = site.url) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: "light", reducedMotion: "reduce", ...options });
  page.on("request", (r) => !r.url().startsWith(new URL(url).origin) && trouble.push(`foreign request: ${r.url()}`));
  page.on("pageerror", (e) => trouble.push(`page error: ${e.message}`));
  page.on("console", (m) => m.type() === "error" && !page.expectsErrors && trouble.push(`console: ${m.text()}`));
  await page.goto(url + search);
  return page;
}

export const ready = (page) => page.waitForSelector(".node", { timeout: 15_000 });
/** Pauses live, so that no row moves under the pointer. */
export async function pause(page) {
  await page.keyboard.press("Space");
  await page.waitForSelector("text=Resume live");
}

export const params = (page) => new URL(page.url()).searchParams;
export const count = (page, selector) => page.locator(selector).count();
export const places = (page) => page.$$eval(".react-flow__node-entity", (nodes) => Object.fromEntries(nodes.map((n) => [n.dataset.id, n.getBoundingClientRect().toJSON()])));
export const requests = (page, path) => page.waitForRequest((r) => r.url().includes(`/api/v1/${path}`), { timeout: 10_000 });

/** Opens a page on what the mock makes of a scenario and closes both; without the mock there is none. */
export async function inScenario(scenario, search, run, options = {}) {
  const other = await openSite(scenario);
  try {
    const page = await open(search, options, other.url);
    await run(page, other.url);
    await page.close();
  } finally {
    await other.close();
  }
}
