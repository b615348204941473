import { describe, expect, it } from "vitest";
import type { Group } from "../api/types";
import { interval } from "../../dev/traffic";
import { matches } from "../../dev/evaluate";
import { shapes } from "./geometry";
import { layout, type Layout } from "./layout";
import { type LevelId } from "./entity";
import { levels } from "./levels";
import { buildModel } from "./build";
import type { MapModel } from "./model";
import { nodeHeight, pitch } from "./sizes";

/** The mock's cluster, grouped as the server would, by every record for itself. */
function clusterModel(level: LevelId, intervals = 12, from = 5000, rows = 12): MapModel {
  const flows = Array.from({ length: intervals }, (_, i) => interval(from + i, "cluster")).flat();
  const groups = flows.map((f): Group => {
    const { by } = levels[level].questions.find((q) => matches(q.of, f))!;
    const bytes = { "source.bytes": Number(f["source.bytes"]), "destination.bytes": Number(f["destination.bytes"]), "flow.connections.seen": 1 };
    return { key: Object.fromEntries([...by, "destination.port"].map((b) => [b, f[b]])), records: 1, sums: bytes, denied: f["flow.action"] === "deny" ? 1 : 0 };
  });
  return buildModel(groups, { level: levels[level], rows, unfolded: [], keep: new Set(), shown: new Set(), focus: null });
}

const size = { width: 1080, height: 400 };
const overlap = (a: { x: number; y: number; width: number; height: number }, b: typeof a) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

function expectTidy(m: MapModel, l: Layout): void {
  const nodes = m.nodes.map((n) => ({ n, ...l.nodes.get(n.key)!, height: nodeHeight }));
  for (const a of nodes) {
    for (const b of nodes) if (a !== b && a.column === b.column) expect(Math.abs(a.y - b.y), `${a.n.key}, ${b.n.key}`).toBeGreaterThanOrEqual(pitch);
    const box = l.groups.find((g) => g.key === `${a.n.group}-${a.n.side}`)!;
    expect(box.x <= a.x && a.x + a.width <= box.x + box.width && box.y <= a.y && a.y + nodeHeight <= box.y + box.height, `${a.n.key} in ${box.key}`).toBe(true);
  }
  for (const a of l.groups) for (const b of l.groups) if (a !== b) expect(overlap(a, b), `${a.key} covers ${b.key}`).toBe(false);
}

describe.each<LevelId>(["namespace", "workload", "pod"])("boxes at level %s", (level) => {
  it("cover no other and hold their nodes", () => {
    const m = clusterModel(level);
    expectTidy(m, layout(m, size));
  });
  it("stay tidy when more comes and what was there has gone", () => {
    const few = clusterModel(level, 1);
    let l = layout(few, size);
    for (let i = 1; i < 8; i++) {
      const m = clusterModel(level, 2, 5000 + i);
      l = layout(m, size, l);
      expectTidy(m, l);
    }
  });
  it("do not move when the same comes again", () => {
    const m = clusterModel(level);
    const before = layout(m, size);
    const again = layout(m, size, before);
    expect([...again.nodes]).toEqual([...before.nodes]);
    expect(again.groups).toEqual(before.groups);
  });
});

describe("a cluster", () => {
  it("runs from left to right", () => {
    const l = layout(clusterModel("workload"), size);
    const column = (key: string) => l.nodes.get(key)!.column;
    const way = ["in|a:198.51.100.23", "w:ingress/Deployment/gateway", "w:shop/Deployment/storefront", "w:shop/Deployment/checkout", "w:payments/Deployment/payments-api", "out|net:card-network"];
    const columns = way.map(column);
    expect(columns).toEqual([...columns].sort((a, b) => a - b));
    expect(new Set(columns).size).toBe(way.length);
  });
  it("has one box for small namespaces when there are many", () => {
    const m = clusterModel("workload", 12, 5000, 5);
    const boxes = new Set(m.nodes.filter((n) => n.group.startsWith("ns:")).map((n) => n.group));
    expect(boxes.size).toBe(4);
    expect(m.nodes.some((n) => n.group === "cluster")).toBe(true);
    expectTidy(m, layout(m, size));
  });
  it("has no edge through the name of a box", () => {
    const m = clusterModel("workload");
    const l = layout(m, { ...size, height: 4000 });
    const within = (g: { x: number; y: number; width: number; height: number }, x: number, y: number) => x > g.x && x < g.x + g.width && y > g.y && y < g.y + g.height;
    for (const [key, s] of shapes(m.edges, l)) {
      const ends = key.split(" > ").map((k) => l.nodes.get(k)!.x);
      for (const c of (s.allow ?? s.deny)!.curves) {
        // Only where an edge passes a column: before and after it goes up and down as it must.
        if (c.p0.y !== c.p3.y || ends.includes(c.p0.x)) continue;
        for (const g of l.groups) if (g.side === "mid") expect(within({ ...g, height: 22 }, (c.p0.x + c.p3.x) / 2, c.p0.y), `${key} at ${g.key}`).toBe(false);
      }
    }
  });
  it("of 40 namespaces whose 240 workloads all call the next 20 is folded, and drawn whole when it is opened", () => {
    const name = (i: number) => ({ "k8s.namespace.name": `ns${i % 40}`, "k8s.workload.kind": "Deployment", "k8s.workload.name": `w${i}` });
    const at = (end: string, i: number) => Object.fromEntries(Object.entries(name(i)).map(([k, v]) => [`${end}.${k}`, v]));
    const groups = Array.from({ length: 240 * 20 }, (_, n): Group => {
      const from = Math.floor(n / 20);
      return { key: { ...at("source", from), ...at("destination", (from + 1 + (n % 20)) % 240) }, records: 1, sums: { "source.bytes": n }, denied: 0 };
    });
    const options = { level: levels.workload, rows: 8, keep: new Set<string>(), shown: new Set<string>(), focus: null };
    const folded = buildModel(groups, { ...options, unfolded: [] });
    expect(folded.nodes.length).toBeLessThan(40);
    expectTidy(folded, layout(folded, size));
    const all = buildModel(groups, { ...options, unfolded: [...new Set(folded.nodes.map((n) => `${n.group}-mid`))] });
    expect(layout(all, size).nodes.size).toBe(240);
  });
  it("uses the room that is left beside a map that is higher than the canvas", () => {
    const m = clusterModel("workload");
    expect(layout(m, size).width).toBeGreaterThan(layout(m, { ...size, height: 4000 }).width);
  });
});
