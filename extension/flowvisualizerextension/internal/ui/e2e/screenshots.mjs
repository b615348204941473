// Takes pictures of every screen and state: npm run screenshots -- <folder>

import { mkdir } from "node:fs/promises";
import { openBrowser, openSite } from "./site.mjs";

const folder = process.argv[2] ?? "screenshots";
const only = process.argv[3];
await mkdir(folder, { recursive: true });
const browser = await openBrowser();

async function shot(site, name, { theme = "light", path = "", size = { width: 1440, height: 900 }, before, act, wait = ".react-flow__node" } = {}) {
  if (only && !name.startsWith(only)) return;
  const page = await browser.newPage({ viewport: size, colorScheme: theme, reducedMotion: "reduce" });
  page.on("pageerror", (e) => console.log(name, "page error:", e.message));
  page.on("console", (m) => m.type() === "error" && console.log(name, "console:", m.text()));
  if (before) await before(page);
  await page.goto(site.url + path);
  if (wait) await page.waitForSelector(wait, { timeout: 15000 }).catch(() => console.log(name, "never showed", wait));
  await page.waitForTimeout(700);
  if (act) await act(page);
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${folder}/${name}.png` });
  console.log(`${folder}/${name}.png`);
  await page.close();
}

const json = (page, path, body, status = 200) => page.route(`**/api/v1/${path}*`, (r) => r.fulfill({ status, json: body }));
const hourAgo = () => new Date(Date.now() - 3_600_000).toISOString();

const usual = await openSite();
await shot(usual, "map-light");
await shot(usual, "map-dark", { theme: "dark" });
await shot(usual, "map-1280", { size: { width: 1280, height: 900 } });
await shot(usual, "map-1920", { size: { width: 1920, height: 1080 } });
await shot(usual, "edge-light", { path: "?sel=edge+p:chromium+%3E+a:203.0.113.10" });
await shot(usual, "edge-dark", { theme: "dark", path: "?sel=edge+p:chromium+%3E+a:203.0.113.10" });
await shot(usual, "node", { path: "?sel=node+p:node" });
await shot(usual, "addresses", { path: "?level=address" });
await shot(usual, "focus", { path: "?focus=p:node" });
await shot(usual, "chips", { path: `?f=destination.port+!%3D+53&f=either.address+!%3D+169.254.0.0/16&off=either.process.executable.name+%3D+chromium` });
await shot(usual, "flows", { path: "?view=flows", wait: ".rows .tr" });
await shot(usual, "flows-dark", { path: "?view=flows", wait: ".rows .tr", theme: "dark" });
await shot(usual, "row", { act: (p) => p.click(".rows .tr >> nth=2", { position: { x: 30, y: 14 } }) });
await shot(usual, "capture", { path: "?sel=capture" });
await shot(usual, "not-yet", { path: "?last=1h" });
await shot(usual, "small", { size: { width: 1024, height: 700 } });
await shot(usual, "brush", { act: async (p) => { await p.mouse.move(400, 130); await p.mouse.down(); await p.mouse.move(700, 130, { steps: 4 }); await p.mouse.up(); } });
await shot(usual, "suggest", { act: async (p) => { await p.keyboard.press("/"); await p.keyboard.type("dest"); } });
await shot(usual, "suggest-values", { act: async (p) => { await p.keyboard.press("/"); await p.keyboard.type("process = "); } });
await shot(usual, "range", { act: (p) => p.click("[aria-label='time range']") });
await shot(usual, "columns", { act: (p) => p.click("[aria-label='columns']") });
await shot(usual, "help", { act: (p) => p.keyboard.press("?") });
await shot(usual, "tip", { act: (p) => p.hover(".rows .tr >> nth=1 >> .v.mono >> nth=0") });
await shot(usual, "state-nomatch", { path: "?f=flow.action+%3D+allow&f=destination.port+%3D+5433", wait: ".state" });
await shot(usual, "state-badquery", { path: "?f=destination.port+%3D+443&f=source.address+%3D+10.0.0.0/33", wait: ".state" });
await shot(usual, "state-error", { wait: ".state", before: (p) => json(p, "groups", { error: { code: "timeout", message: "the store did not answer in 30 s" } }, 504) });
const never = (p) => Promise.all(["groups", "histogram", "flows"].map((path) => p.route(`**/api/v1/${path}?*`, () => {})));
await shot(usual, "state-loading", { wait: "#cancel", before: never });
await shot(usual, "state-cancelled", { wait: "#cancel", before: never, act: (p) => p.click("#cancel") });
await shot(usual, "state-stale", { act: async (p) => { await never(p); await p.click("[aria-label='time range']"); await p.click("text=Last 6 hours"); await p.waitForSelector("#cancel"); } });
await shot(usual, "state-flows-cancelled", { path: "?view=flows", wait: "#cancel", before: never, act: (p) => p.click("#cancel") });
await shot(usual, "state-silent", {
  before: (p) => p.route("**/api/v1/status", async (r) => {
    const answer = await (await r.fetch()).json();
    for (const a of answer.agents) a.lastSeen = hourAgo();
    await r.fulfill({ json: answer });
  }).then(() => p.route("**/api/v1/stream*", (r) => r.abort())),
});
await usual.close();
if (usual.mock) {
  for (const [scenario, name, options] of [
    ["loss", "state-loss", {}],
    ["loss", "state-loss-dark", { theme: "dark", path: "?sel=capture" }],
    ["many", "many", {}],
    ["many", "many-addresses", { path: "?level=address" }],
    ["many", "state-toomany", { path: "?level=address&open=internet-out", wait: ".state" }],
    ["first", "first-minute", {}],
    ["first", "first-minute-dark", { theme: "dark" }],
    ["loopback", "map-loopback", {}],
    ["loopback", "map-loopback-dark", { theme: "dark" }],
    ["idle", "state-waiting", { wait: ".state" }],
    ...["light", "dark"].flatMap((theme) => [
      ["cluster", `cluster-${theme}`, { theme }],
      ["cluster", `cluster-1280-${theme}`, { theme, size: { width: 1280, height: 900 } }],
      ["cluster", `cluster-1920-${theme}`, { theme, size: { width: 1920, height: 1080 } }],
      ["cluster", `cluster-namespaces-${theme}`, { theme, path: "?level=namespace" }],
      ["cluster", `cluster-pods-${theme}`, { theme, path: "?level=pod&f=either.k8s.namespace.name+%3D+shop" }],
      ["cluster", `cluster-edge-${theme}`, { theme, path: "?sel=edge+w:shop/Deployment/checkout+%3E+w:payments/Deployment/payments-api" }],
      ["cluster", `cluster-node-${theme}`, { theme, path: "?sel=node+w:shop/Deployment/checkout" }],
      ["merged", `merged-flows-${theme}`, { theme, path: "?view=flows", wait: ".rows .tr" }],
      ["merged", `merged-pods-${theme}`, { theme, path: "?level=pod" }],
      ["merged", `merged-workloads-${theme}`, { theme, path: "?sel=node+w:ingress/Deployment/gateway" }],
      ["merged", `merged-record-${theme}`, { theme, path: "?f=source.addresses+exists+and+destination.k8s.workload.name+%3D+gateway", act: (p) => p.click(".rows .tr >> nth=0", { position: { x: 30, y: 14 } }) }],
      ["merged", `merged-overflow-${theme}`, { theme, path: "?f=flow.aggregation.level+%3D+overflow", act: (p) => p.click(".rows .tr >> nth=0", { position: { x: 30, y: 14 } }) }],
      ["merged", `merged-addresses-${theme}`, { theme, path: "?level=address" }],
      ["cluster", `cluster-record-${theme}`, { theme, path: "?f=source.k8s.uncertain+exists", act: (p) => p.click(".rows .tr >> nth=0", { position: { x: 30, y: 14 } }) }],
    ]),
    ["cluster", "cluster-flows", { path: "?view=flows", wait: ".rows .tr" }],
    ["cluster", "cluster-process", { path: "?level=process" }],
  ]) {
    if (only && !name.startsWith(only)) continue;
    const site = await openSite(scenario);
    await shot(site, name, options);
    await site.close();
  }
}
await browser.close();
