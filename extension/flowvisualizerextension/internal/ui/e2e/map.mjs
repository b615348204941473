// The map: nothing moves, selection, keyboard.

import { check, equal, expect, until } from "./checks.mjs";
import { count, open, params, places, ready, requests } from "./page.mjs";

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
