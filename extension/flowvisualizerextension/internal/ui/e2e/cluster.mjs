// The page on the records of a Kubernetes cluster, which only the mock has.

import { check, equal, expect, until } from "./checks.mjs";
import { covered, lowContrast } from "./look.mjs";
import { count, inScenario, open, params, pause, places, ready, requests } from "./page.mjs";

const inCluster = (search, run, options) => inScenario("cluster", search, run, options);
const levelNames = (page) => page.$$eval("[aria-label=level] button", (all) => all.map((b) => b.textContent));
const nodeAt = (page, id) => page.locator(`.react-flow__node-entity[data-id="${id}"] .node`);

check("a machine without a cluster offers no level of one", async () => {
  const page = await open();
  await ready(page);
  equal(await levelNames(page), ["Processes", "Addresses"], "the levels");
  expect((await page.$$eval(".react-flow__node-entity[data-id^='p:']", (n) => n.length)) > 0, "no process");
  await page.close();
});

check("a cluster is drawn by workloads in their namespaces, and by each of its levels", () =>
  inCluster("", async (page) => {
    await ready(page);
    equal(await levelNames(page), ["Namespaces", "Workloads", "Pods", "Processes", "Addresses"], "the levels");
    equal(await page.textContent("[aria-label=level] .on"), "Workloads", "the level that nobody chose");
    equal(new URL(page.url()).search, "", "the URL");
    await nodeAt(page, "w:shop/Deployment/checkout").waitFor();
    expect((await page.$$eval(".ns h4 .cut", (all) => all.map((h) => h.textContent))).includes("payments"), "no box for a namespace");
    for (const [label, id, level] of [["Namespaces", "ns:shop", "namespace"], ["Pods", "node:node-a", "pod"], ["Processes", "p:envoy", "process"], ["Workloads", "in|net:office-vpn", null]]) {
      await page.click(`[aria-label=level] >> text=${label}`);
      await nodeAt(page, id).waitFor();
      equal(params(page).get("level"), level, "the level in the URL");
    }
    await page.click(".crumb .lnk");
    await until(() => !params(page).has("level"), "the usual level");
  }));

check("opening goes from a namespace to its workloads, pods and processes, and back", () =>
  inCluster("?level=namespace&last=15m", async (page, url) => {
    await nodeAt(page, "ns:shop").dblclick();
    await nodeAt(page, "w:shop/Deployment/checkout").waitFor();
    equal([params(page).get("level"), params(page).getAll("f")], ["workload", ["either.k8s.namespace.name = shop"]], "the URL of the namespace");
    await nodeAt(page, "w:shop/Deployment/checkout").focus();
    await page.keyboard.press("e");
    await nodeAt(page, "pod:shop/checkout-7d9f4-4mzt8").waitFor();
    const filter = params(page).getAll("f")[1];
    for (const part of ["source.k8s.namespace.name = shop", "source.k8s.workload.kind = Deployment", "source.k8s.workload.name = checkout", "destination.k8s.workload.name = checkout"]) expect(filter.includes(part), `${filter} lacks ${part}`);
    equal(await page.$$eval(".chip", (all) => all.map((c) => [...c.children].slice(0, -1).map((p) => p.textContent).join(" "))), ["either namespace = shop", "either workload = checkout in shop"], "the chips");
    await until(async () => (await count(page, ".react-flow__node-entity[data-id*='catalog']")) === 0, "what has nothing to do with it to go");
    const link = await open(new URL(page.url()).search, {}, url);
    await nodeAt(link, "pod:shop/checkout-7d9f4-4mzt8").waitFor();
    equal(await link.textContent("[aria-label=level] .on"), "Pods", "the level of a copied link");
    await link.close();
    await nodeAt(page, "pod:shop/checkout-7d9f4-4mzt8").dblclick();
    await nodeAt(page, "p:java").waitFor();
    await page.goBack();
    await nodeAt(page, "pod:shop/checkout-7d9f4-4mzt8").waitFor();
    await page.click(".chip:last-child .fld");
    await nodeAt(page, "pod:shop/cart-7d9f6-b5gqw").waitFor();
  }));

check("an edge between workloads is selected by link, says who they are and becomes two filters", () =>
  inCluster("?last=15m&sel=edge+w:shop/Deployment/checkout+%3E+w:payments/Deployment/payments-api", async (page) => {
    await page.waitForSelector(".panel >> text=Deployment in shop, caller");
    await page.waitForSelector(".edges .halo", { state: "attached" });
    await page.waitForSelector(".panel >> text=/dropped/");
    await page.click("text=Only this edge");
    await until(() => params(page).getAll("f").length === 2, "two filters");
    await until(async () => (await count(page, ".node")) === 2, "the two alone");
    equal(await page.$$eval(".chip .fld", (all) => all.map((f) => f.textContent)), ["source workload", "destination workload"], "the chips");
  }));

check("a node of each kind fills the panel, and what cannot call sent nothing", () =>
  inCluster("?last=15m&sel=node+svc:default/kubernetes", async (page, url) => {
    await page.waitForSelector(".panel >> text=service in default");
    await page.waitForSelector(".panel .stats");
    for (const [id, about] of [["ns:shop", "namespace"], ["net:card-network", "named network"], ["node:node-a", "node"], ["w:batch/CronJob/nightly-report", "CronJob in batch"], ["w:monitoring/DaemonSet/node-exporter", "DaemonSet in monitoring"]]) {
      await page.goto(`${url}?last=15m&sel=node+${id}`);
      await page.waitForSelector(`.panel .ep >> text=${about}`);
      const stats = await page.waitForSelector(".panel .stats");
      expect(!/^0 Bsent0 B/.test(await stats.textContent()), `${id} has no traffic`);
    }
  }));

check("rows name pod, namespace and service; each is a filter, and doubt is marked with its reason", () =>
  inCluster("?view=flows&last=15m", async (page, url) => {
    await page.waitForSelector(".rows .tr .v.pod");
    await pause(page);
    const kinds = async () => page.$$eval(".rows .v", (all) => [...new Set(all.map((v) => v.dataset.filter.replace(/ = .*/, "")))]);
    for (const field of ["source.k8s.namespace.name", "destination.k8s.namespace.name", "destination.k8s.service.name"]) expect((await kinds()).includes(field), `no value filters by ${field}`);
    const pod = page.locator(".rows .v.pod").first();
    const filter = await pod.getAttribute("data-filter");
    expect(/k8s.namespace.name = .* and .*k8s.pod.name = /.test(filter), `a pod filters by ${filter}`);
    await pod.click({ modifiers: ["Alt"] });
    await page.waitForSelector(".chip");
    equal(params(page).get("f"), `not (${filter})`, "what alt excludes");
    equal(await page.textContent(".chip .op"), "≠", "its sign");

    await page.goto(`${url}?last=15m&f=source.k8s.uncertain+exists`);
    await page.waitForSelector(".rows .doubt");
    await page.click(".rows .tr >> nth=0", { position: { x: 40, y: 14 } });
    await page.waitForSelector(".panel .doubted >> text=/Not certain: several could be meant; the cluster had not told of the pod yet/");
    const said = await page.textContent(".panel");
    for (const word of ["CronJob", "nightly-report", "batch", "Container", "Zone", "eu-1", "Service asked for"]) expect(said.includes(word), `the panel does not say ${word}`);
    await page.click(".panel .label >> text=tier=app");
    await until(() => params(page).getAll("f").includes('source.k8s.pod.labels = "tier=app"'), "a filter for the label");
    await page.waitForSelector(".rows .tr");
  }));

for (const theme of ["light", "dark"]) {
  check(`a cluster is readable, nothing covers anything and everything has a name (${theme})`, () =>
    inCluster("?last=15m&f=source.k8s.uncertain+not+exists", async (page) => {
      await ready(page);
      await page.waitForSelector(".rows .tr");
      for (const size of [{ width: 1280, height: 900 }, { width: 1920, height: 1080 }]) {
        await page.setViewportSize(size);
        await page.waitForTimeout(500);
        equal(await page.evaluate(covered), [], `what is covered at ${size.width}`);
        equal(await page.evaluate(lowContrast), [], `text that is hard to read at ${size.width}`);
      }
      equal(await page.$$eval(".node", (all) => all.filter((n) => !n.getAttribute("aria-label") || !n.title).length), 0, "nodes without a name");
      await page.click(".rows .tr >> nth=0", { position: { x: 40, y: 14 } });
      await page.waitForSelector(".panel .attrs.named");
      equal(await page.evaluate(lowContrast), [], "text of the panel that is hard to read");
    }, { colorScheme: theme }));
}

check("a live refresh moves nothing in a cluster", () =>
  inCluster("", async (page) => {
    await ready(page);
    const before = await places(page);
    for (let i = 0; i < 6; i++) await requests(page, "groups");
    const after = await places(page);
    for (const id of Object.keys(before)) if (after[id]) equal([after[id].x, after[id].y], [before[id].x, before[id].y], id);
  }));
