// The page in a real browser: npm run e2e. With FLOW_VISUALIZER_URL it runs
// against that server, which must have recorded a few flows in the last 15 minutes.

import { check, equal, expect, runAll, Skip, until } from "./checks.mjs";
import { browser, count, open, params, places, ready, requests, site, trouble } from "./page.mjs";
import { lowContrast } from "./look.mjs";
import { openSite } from "./site.mjs";

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

check("clicking a value adds a chip and puts the filter in the URL", async () => {
  const page = await open("?view=flows&last=1h");
  await page.waitForSelector(".rows .tr .v");
  await page.keyboard.press("Space");
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
  await page.keyboard.press("Space");
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
  // Rows that move under the pointer would be hovered in turn.
  await page.keyboard.press("Space");
  await page.waitForSelector("text=Resume live");
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

check("a machine without network still shows its own flows", async () => {
  const page = await open("?last=1h");
  await ready(page);
  // What a page hears when the network goes; the server on the same machine still answers.
  await page.evaluate(() => dispatchEvent(new Event("offline")));
  for (let i = 0; i < 2; i++) await requests(page, "groups");
  await page.close();
});

check("a live refresh moves nothing on the map", async () => {
  const page = await open("?last=1h");
  await ready(page);
  const before = await places(page);
  for (let i = 0; i < 3; i++) await requests(page, "groups");
  const after = await places(page);
  const both = Object.keys(before).filter((id) => after[id]);
  expect(both.length > 0, "no node stayed");
  for (const id of both) equal([after[id].x, after[id].y], [before[id].x, before[id].y], id);
  await page.close();
});

check("selecting a node and an edge fills the panel and the URL", async () => {
  const page = await open("?last=1h");
  await ready(page);
  await page.click(".node >> nth=0");
  await page.waitForSelector(".panel >> text=How they ended");
  expect(params(page).get("sel").startsWith("node "), "the node is not in the URL");
  await page.click(".peers button >> nth=0");
  await page.waitForSelector(".panel .ends .rail i");
  expect(params(page).get("sel").startsWith("edge "), "the edge is not in the URL");
  await page.waitForSelector(".panel table.mini td");
  expect((await count(page, ".edges .halo")) === 1, "the edge has no halo");
  const link = page.url();
  const other = await open(new URL(link).search);
  await other.waitForSelector(".edges .halo", { state: "attached" });
  await other.close();
  await page.close();
});

check("the map is walked from left to right by keyboard; f leaves neighbours, e opens, esc goes back", async () => {
  const page = await open("?last=1h");
  await ready(page);
  const columns = await page.$$eval(".node", (nodes) => nodes.map((n) => Math.round(n.getBoundingClientRect().x)));
  equal(columns, [...columns].sort((a, b) => a - b), "order of the nodes");
  const all = await count(page, ".node");
  const process = page.locator(".react-flow__node-entity[data-id^='p:'] .node").first();
  await process.focus();
  await page.keyboard.press("Enter");
  await until(() => params(page).get("sel")?.startsWith("node p:"), "the selection");
  await page.keyboard.press("f");
  await page.waitForSelector("text=neighbours of");
  expect((await count(page, ".node")) <= all, "focus added nodes");
  await page.keyboard.press("f");
  await until(() => !params(page).has("focus"), "the focus to go");
  await page.locator(".node.sel").first().focus();
  await page.keyboard.press("e");
  await until(() => params(page).get("level") === "address" && params(page).get("f")?.startsWith("either.process.executable.name"), "the next level");
  await page.goBack();
  await page.keyboard.press("Escape");
  await until(() => !params(page).has("sel"), "the selection to go");
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
  await page.keyboard.press("Space");
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

check("the first minute is shown as the last minute, until the recording is longer or another range is chosen", async () => {
  if (!site.mock) throw new Skip("the server's recording may be older");
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

check("filters that match nothing name the last one and can be switched off", async () => {
  const page = await open("?last=1h&f=flow.action+%3D+allow&f=destination.port+%3D+1");
  await page.waitForSelector(".state >> text=No flows match these 2 filters");
  await page.click(".state >> text=Switch it off");
  await ready(page);
  equal(params(page).getAll("off"), ["destination.port = 1"], "what is off");
  await page.close();
});

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

check("5,000 addresses are folded, drawn fast, and too many to draw is said", async () => {
  if (!site.mock) throw new Skip("the server's own traffic is not 5,000 addresses");
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
  if (!site.mock) throw new Skip("the server has lost nothing");
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

await import("./cluster.mjs");
await import("./merged.mjs");

check("no other host was asked for anything and nothing was logged as an error", async () => {
  equal([...new Set(trouble)], [], "trouble");
});

const failed = await runAll();
await browser.close();
await site.close();
process.exit(failed === 0 ? 0 : 1);
