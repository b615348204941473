// The page on records that stand for several, which only the mock has.

import { check, equal, expect, until } from "./checks.mjs";
import { covered, lowContrast } from "./look.mjs";
import { count, inScenario, params, pause, ready } from "./page.mjs";

const inMerged = (search, run, options) => inScenario("merged", search, run, options);
const row = (page) => page.locator(".rows .tr >> nth=0");
const toGateway = "f=destination.k8s.workload.name+%3D+gateway";

check("a row of a merged record shows the first value, how many more there are and what it was made of", () =>
  inMerged(`?view=flows&last=15m&${toGateway}`, async (page) => {
    await page.waitForSelector(".rows .tr .more");
    equal(await row(page).locator(".more").allTextContents(), [" +≈1,239 more", " +2 more"], "what is said of the others");
    expect(/^\d+$/.test(await row(page).locator(".made").textContent()), "the mark has no number");
    expect(/records, workload and port level/.test(await row(page).locator(".made").getAttribute("aria-label")), "the mark does not say the level");
    await pause(page);
    const address = row(page).locator(".v[data-filter^='source.address']");
    const filter = await address.getAttribute("data-filter");
    expect(/^source.address = [\d.]+$/.test(filter), `an address filters by ${filter}`);
    await address.click();
    await until(() => params(page).getAll("f").includes(filter), "the filter");
    await page.waitForSelector(".rows .tr .more");
  }));

check("the panel lists the values, and each finds the records that list it", () =>
  inMerged(`?view=flows&last=15m&${toGateway}`, async (page) => {
    await page.waitForSelector(".rows .tr");
    await pause(page);
    await row(page).click({ position: { x: 120, y: 14 } });
    await page.waitForSelector(".panel .madeof >> text=/\\d+ records, workload and port level/");
    const listed = page.locator(".panel .attrs:not(.named) .v[data-filter^='destination.k8s.pod.name = ']");
    equal(await listed.count(), 2, "pods in the list");
    const names = await page.$$eval(".panel .attrs:not(.named) dt", (all) => all.map((d) => d.textContent));
    for (const name of ["destination.k8s.pod.names", "destination.k8s.pod.name_count", "source.addresses"]) expect(!names.includes(name), `${name} stands apart from what it is of`);
    const before = await page.textContent(".dh .t3");
    const filter = await listed.nth(1).getAttribute("data-filter");
    await listed.nth(1).click();
    await until(() => params(page).getAll("f").includes(filter), "the filter");
    await page.waitForSelector(".rows .tr .more");
    await page.locator(".chip .x").nth(1).click();
    await until(async () => (await page.textContent(".dh .t3")) === before, "all of them again");
    await page.locator(".panel .attrs.named .v[data-filter^='destination.k8s.pod.name = ']").first().click({ modifiers: ["Alt"] });
    await until(() => params(page).getAll("f").some((f) => f.startsWith("destination.k8s.pod.name != ")), "the exclusion");
    await until(async () => (await page.locator(".rows .tr .more").allTextContents()).every((t) => !t.includes("1,239")), "what lists the pod to go");
  }));

check("at the level of pods merged records stand as several of their workload, and outside as addresses of a range", () =>
  inMerged("?last=15m&level=pod&f=either.k8s.namespace.name+%3D+ingress", async (page, url) => {
    await ready(page);
    const node = page.locator('.react-flow__node-entity[data-id="pods:ingress/Deployment/gateway"] .node');
    await node.waitFor();
    equal(await node.locator("small").textContent(), "several pods", "the second line");
    expect((await node.getAttribute("aria-label")).includes("several pods, Deployment in ingress"), "a screen reader is not told");
    await page.locator('.react-flow__node-entity[data-id="in|as:public"] .node').waitFor();
    equal(await count(page, ".react-flow__node-entity[data-id*='unknown']"), 0, "ends without a name");
    for (const id of ["pods:ingress/Deployment/gateway", "as:public"]) {
      await page.goto(`${url}?last=15m&level=pod&sel=node+${id}`);
      const stats = await page.waitForSelector(".panel .stats");
      expect(!/^0 Bsent0 B/.test(await stats.textContent()), `${id} has no traffic`);
    }
  }));

check("what is folded, overflown or sampled is said in the row, the panel and a banner", () =>
  inMerged("?view=flows&last=15m&f=flow.folded+exists+or+flow.sampling.rate+exists", async (page) => {
    await page.waitForSelector(".banner >> text=/records were folded together and \\d+ records are samples, 1 of 10/");
    await page.waitForSelector(".rows .tr");
    await pause(page);
    const said = new Set(await page.locator(".rows .made").allTextContents());
    for (const word of ["overflow", "folded", "1 of 10"]) expect(said.has(word), `no row says ${word}: ${[...said]}`);
    await page.waitForSelector(".rows .tr >> text=not told apart");
    for (const [word, line] of [["overflow", /31 records that memory had no room to tell apart/], ["folded", /12 records that were more than the pipeline took/], ["1 of 10", /1 of 10 flows/]]) {
      await page.locator(".rows .tr", { has: page.locator(".made", { hasText: word }) }).first().click({ position: { x: 60, y: 14 } });
      await until(async () => line.test(await page.textContent(".panel")), `the panel to say ${line}`);
    }
    await page.click(".banner [aria-label=dismiss]");
    await until(async () => (await count(page, ".banner")) === 0, "the banner to go");
  }));

check("lists and counts are columns for whoever looks for them only", () =>
  inMerged("?view=flows&last=15m", async (page) => {
    await page.waitForSelector(".rows .tr");
    await page.click("[aria-label=columns]");
    const offered = () => page.$$eval(".columns label span", (all) => all.map((s) => s.textContent));
    expect((await offered()).includes("source.address"), "no column for an attribute");
    expect(!(await offered()).some((name) => /addresses|_count/.test(name)), "columns for lists and counts");
    await page.fill(".columns input[type=search]", "source.address");
    equal((await offered()).sort(), ["source.address", "source.address_count", "source.addresses"], "what is found");
    await page.check(".columns label:has(.mono) >> nth=0");
    await page.waitForSelector(".rows .tr .td:last-child .more");
  }));

for (const theme of ["light", "dark"]) {
  check(`merged records are readable and nothing covers anything (${theme})`, () =>
    inMerged("?last=15m&level=pod", async (page) => {
      await ready(page);
      await page.waitForSelector(".rows .tr .made");
      equal(await page.evaluate(covered), [], "what is covered");
      await row(page).click({ position: { x: 60, y: 14 } });
      await page.waitForSelector(".panel .madeof");
      equal(await page.evaluate(lowContrast), [], "text that is hard to read");
    }, { colorScheme: theme }));
}
