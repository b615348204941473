// The table of flows: columns, order, export.

import { check, equal, expect, until } from "./checks.mjs";
import { count, open, params, pause, requests } from "./page.mjs";

check("the usual columns hold their longest values", async () => {
  const page = await open("?last=1h");
  await page.route("**/api/v1/stream*", (r) => r.abort());
  await page.route("**/api/v1/flows?*", async (r) => {
    const answer = await (await r.fetch()).json();
    const longest = { "destination.port": 65535, "flow.connections.seen": 999_999, "source.bytes": 999e9, "destination.bytes": 8.88e12, "flow.tcp.rtt.sum": 4960, "flow.tcp.rtt.samples": 1 };
    answer.flows.forEach((f, i) => Object.assign(f, longest, i % 2 ? { "destination.port": 9200, "flow.connections.seen": 9_999_999, "flow.action": "deny", "flow.deny.class": "unreachable", "flow.deny.reason": "host_unreachable" } : {}));
    await r.fulfill({ json: answer });
  });
  page.expectsErrors = true;
  await page.reload();
  await page.waitForSelector(".rows .tr >> nth=1");
  const cut = await page.$$eval(".th .cut, .td:not(:has(.endpoint)), .td:not(:has(.endpoint)) .v", (all) => [...new Set(all.filter((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth).map((e) => e.textContent))]);
  equal(cut, [], "what is cut off");
  expect(await page.$eval(".table", (t) => t.scrollWidth <= t.clientWidth), "the table is wider than its place");
  await page.close();
});

check("columns are chosen, kept in the URL and resized", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr");
  await page.click("[aria-label=columns]");
  await page.fill("[aria-label='find a column']", "network.transport");
  await page.click(".columns label >> nth=0");
  await page.keyboard.press("Escape");
  expect(params(page).get("cols").endsWith(",network.transport"), "the column is not in the URL");
  await page.waitForSelector(".th >> text=network.transport");
  const grip = page.locator(".th .grip").nth(2);
  const before = (await page.locator(".th").nth(2).boundingBox()).width;
  const box = await grip.boundingBox();
  await page.mouse.move(box.x + 4, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + 64, box.y + 10, { steps: 3 });
  await page.mouse.up();
  const grown = async () => Math.round((await page.locator(".th").nth(2).boundingBox()).width - before);
  equal(await grown(), 60, "what the column grew by");
  await page.reload();
  await page.waitForSelector(".th >> text=network.transport");
  equal(await grown(), 60, "what the column grew by, after a reload");
  await page.locator(".th .grip").nth(2).dblclick();
  await until(() => !params(page).has("widths"), "the usual width");
  await page.close();
});

check("columns change places by dragging and by alt with an arrow", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr");
  const titles = () => page.$$eval(".th .cut", (all) => all.map((t) => t.textContent));
  const usual = await titles();
  const middle = async (n) => {
    const box = await page.locator(".th").nth(n).boundingBox();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  const [from, to] = [await middle(4), await middle(1)];
  const drag = async () => {
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x - 20, to.y, { steps: 6 });
    await page.waitForSelector(".tr.head .drop");
  };
  await drag();
  await page.keyboard.press("Escape");
  await page.mouse.up();
  equal(await titles(), usual, "after a drag that was given up");
  await drag();
  await page.mouse.up();
  const dragged = [usual[0], usual[4], ...usual.slice(1, 4), ...usual.slice(5)];
  equal(await titles(), dragged, "after the drag");
  equal(await count(page, ".tr.head .drop"), 0, "marks that stay");
  await page.reload();
  await page.waitForSelector(".rows .tr");
  equal(await titles(), dragged, "after a reload");
  await page.locator(".th").nth(1).focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("Alt+ArrowRight");
  equal(await titles(), usual, "after alt and the arrow");
  equal(params(page).has("cols"), false, "the usual columns in the URL");
  await page.close();
});

check("the table is newest first, pages back, and a row opens in the panel", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr");
  await pause(page);
  const times = () => page.$$eval(".rows .tr", (rows) => rows.slice(0, 8).map((r) => r.querySelector(".td span")?.textContent ?? ""));
  await until(async () => {
    const t = await times();
    return t.length > 1 && t.join() === [...t].sort().reverse().join() && t[0] !== t.at(-1);
  }, "rows newest first");
  // A server that has only just begun to record may have no second page.
  const next = await page.evaluate(async (from) => (await (await fetch(`/api/v1/flows?limit=200&from=${from}`)).json()).next, Date.now() - 3_600_000);
  if (next) {
    const more = requests(page, "flows?");
    await page.$eval(".table", (t) => t.scrollTo(0, t.scrollHeight));
    await more;
  }
  await page.click(".rows .tr >> nth=3", { position: { x: 40, y: 14 } });
  await page.waitForSelector(".panel .attrs >> text=flow.id");
  await page.close();
});

check("CSV and NDJSON hold the filtered flows", async () => {
  const page = await open("?view=flows&last=1h&f=flow.action+%3D+allow");
  await page.waitForSelector(".rows .tr");
  for (const [kind, test] of [["CSV", (t) => t.split("\n")[0].includes("source.address")], ["NDJSON", (t) => JSON.parse(t.split("\n")[0])["flow.action"] === "allow"]]) {
    const href = await page.getAttribute(`.exports a >> text=${kind}`, "href");
    const text = await page.evaluate(async (h) => (await fetch(h)).text(), href);
    expect(test(text), `${kind} begins with ${text.slice(0, 80)}`);
  }
  await page.close();
});
