import { describe, expect, it } from "vitest";
import { edgeWidth, pointAt, shapes } from "./geometry";
import { labelSpot } from "./labels";
import { settle } from "./arrange";
import { layout, type Layout } from "./layout";
import { nodeHeight, pitch } from "./sizes";
import type { GroupId } from "./entity";
import { type MapModel, type MapNode, type Side } from "./model";
import { noTotals } from "./totals";

type Spec = [from: string, to: string, bytes?: number, denied?: number];

const sideOf = (key: string): Side => (key.startsWith("in|") ? "in" : key.startsWith("out|") ? "out" : "mid");
const groupOf = (key: string): GroupId => (sideOf(key) === "mid" ? "machine" : key.includes("lan") ? "local" : "internet");

function model(edges: Spec[]): MapModel {
  const keys = [...new Set(edges.flatMap(([a, b]) => [a, b]))].sort();
  const nodes = keys.map((key): MapNode => ({ key, side: sideOf(key), group: groupOf(key), entity: { id: key, kind: "process", group: groupOf(key), title: key }, folded: [], totals: noTotals(), ports: [] }));
  return {
    nodes,
    edges: edges.map(([from, to, bytes = 1000, denied = 0]) => ({ key: `${from} > ${to}`, from, to, ports: [], reasons: [], totals: { ...noTotals(), sent: bytes, connections: 1, denied } })),
    entities: nodes.length,
    folded: 0,
  };
}

const place = (edges: Spec[], before?: Layout) => layout(model(edges), { width: 1080 }, before);
const at = (l: Layout, key: string) => l.nodes.get(key)!;

const usual: Spec[] = [
  ["in|lan1", "sshd"],
  ["in|net1", "web"],
  ["web", "db"],
  ["web", "cache"],
  ["curl", "out|net2"],
  ["curl", "out|lan2"],
];

describe("layout", () => {
  it("runs from left to right", () => {
    const l = place(usual);
    for (const [from, to] of usual) expect(at(l, from).column, `${from} > ${to}`).toBeLessThan(at(l, to).column);
  });
  it("covers no node by another and keeps each in its group", () => {
    const l = place(usual);
    const nodes = [...l.nodes.values()];
    for (const a of nodes) {
      for (const b of nodes) if (a !== b && a.column === b.column) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(pitch);
    }
    for (const [key, n] of l.nodes) {
      const box = l.groups.find((g) => g.key === `${groupOf(key)}-${sideOf(key)}`)!;
      expect(n.x).toBeGreaterThanOrEqual(box.x);
      expect(n.x + n.width).toBeLessThanOrEqual(box.x + box.width);
      expect(n.y).toBeGreaterThanOrEqual(box.y);
      expect(n.y + nodeHeight).toBeLessThanOrEqual(box.y + box.height);
    }
  });
  it("covers no group by another of its column", () => {
    const groups = place(usual).groups;
    for (const a of groups) for (const b of groups) if (a !== b && a.x === b.x) expect(a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
  });
  it("copes with cycles and with a process that calls itself", () => {
    const l = place([["a", "b", 900], ["b", "a", 10], ["a", "a", 5]]);
    expect(at(l, "a").column).toBeLessThan(at(l, "b").column);
  });
  it("is the same each time", () => expect(place(usual)).toEqual(place(usual)));
});

describe("a refresh", () => {
  const before = place(usual);
  it("moves nothing when the same comes again with other counts", () => {
    const again = place(usual.map(([a, b], i): Spec => [a, b, (i * 7919) % 5000]), before);
    expect(again.nodes).toEqual(before.nodes);
    expect(again.groups).toEqual(before.groups);
  });
  it("moves nothing when something is new, and gives that a place of its own", () => {
    const again = place([...usual, ["curl", "out|net3"], ["web", "queue"]], before);
    for (const [key, n] of before.nodes) expect(at(again, key), key).toEqual(n);
    const column = [...again.nodes.values()].filter((n) => n.column === at(again, "out|net3").column);
    for (const n of column) if (n !== at(again, "out|net3")) expect(Math.abs(n.y - at(again, "out|net3").y)).toBeGreaterThanOrEqual(pitch);
  });
  it("moves nothing when something has gone, and gives it its place back", () => {
    const without = place(usual.slice(1), before);
    for (const key of without.nodes.keys()) expect(at(without, key), key).toEqual(at(before, key));
    expect(place(usual, without).nodes).toEqual(before.nodes);
  });
});

describe("settle", () => {
  it("keeps what is wanted when it may", () => expect(settle([0, 100, 200], [0, 48, 48])).toEqual([0, 100, 200]));
  it("parts what is wanted at one place evenly about it", () => expect(settle([100, 100, 100], [0, 48, 48])).toEqual([52, 100, 148]));
  it("keeps the order whatever is wanted", () => expect(settle([100, 0], [0, 48])).toEqual([26, 74]));
});

describe("edges", () => {
  it("are logarithmic between 1.25 and 8", () => {
    expect(edgeWidth(1e9, 1e9)).toBe(8);
    expect(edgeWidth(1e6, 1e9)).toBe(1.25);
    expect(edgeWidth(0, 1e9)).toBe(1.25);
    expect(edgeWidth(1e8, 1e9)).toBeGreaterThan(edgeWidth(1e7, 1e9));
    expect(edgeWidth(100, 100)).toBe(1.25);
  });
  it("draw a denied edge as a bar and an allowed one as an arrow, both when it was both", () => {
    const m = model([["a", "out|x", 100, 1], ["a", "out|y", 100, 0]]);
    m.edges.push({ ...m.edges[0]!, key: "a > out|z", to: "out|y", totals: { ...m.edges[0]!.totals, connections: 5, denied: 2 } });
    const s = shapes(m.edges, layout(m, { width: 1080 }));
    expect([s.get("a > out|x")!.allow, s.get("a > out|y")!.deny]).toEqual([undefined, undefined]);
    expect(s.get("a > out|z")).toMatchObject({ allow: { end: expect.stringContaining("z") }, deny: { end: expect.stringContaining("v12") } });
  });
  it("draw as denied alone what nobody answered, for that is how the source saw it", () => {
    const m = model([["a", "out|x", 100, 2], ["a", "out|y", 100]]);
    const given = { connections: 4, completed: 4, abandoned: 2 };
    Object.assign(m.edges[0]!.totals, given, { received: 0 });
    Object.assign(m.edges[1]!.totals, given, { completed: 2 });
    const drawn = () => { const s = shapes(m.edges, layout(m, { width: 1080 })); return [s.get("a > out|x")!, s.get("a > out|y")!].map((e) => [e.allow, e.deny].map(Boolean)); };
    expect(drawn()).toEqual([[false, true], [true, false]]);
    m.edges[0]!.totals.received = 40;
    expect(drawn()).toEqual([[true, true], [true, false]]);
  });
  it("draw a node's own traffic as a small loop above what else leaves it", () => {
    const m = model([["a", "a", 1e9], ["a", "b", 1e6], ["a", "out|x", 1e6]]);
    const l = layout(m, { width: 1080 });
    const s = shapes(m.edges, l);
    const { x, width, y } = at(l, "a");
    const [curve] = s.get("a > a")!.allow!.curves;
    expect(s.get("a > a")!.width).toBeLessThanOrEqual(3);
    for (const t of [0, 0.25, 0.5, 0.75, 1]) {
      const p = pointAt(curve!, t);
      expect(p.x).toBeGreaterThanOrEqual(x + width);
      expect(p.x).toBeLessThan(x + width + 40);
      expect(p.y).toBeGreaterThan(y);
      expect(p.y).toBeLessThan(y + nodeHeight);
    }
    for (const other of ["a > b", "a > out|x"]) expect(s.get(other)!.allow!.curves[0]!.p0.y, other).toBeGreaterThan(curve!.p3.y);
  });
  it("leave a node in the order in which they go on", () => {
    const m = model([["a", "b", 1e6], ["b", "c", 1e6], ["a", "out|x", 1e9], ["a", "out|y", 1e8], ["c", "out|z", 10]]);
    const s = shapes(m.edges, layout(m, { width: 1080 }));
    const leaving = ["a > b", "a > out|x", "a > out|y"].map((key) => s.get(key)!.allow!.curves[0]!);
    const byStart = [...leaving].sort((p, q) => p.p0.y - q.p0.y);
    expect(byStart).toEqual([...leaving].sort((p, q) => p.p3.y - q.p3.y));
  });
  it("pass the columns between their ends without crossing a node", () => {
    const edges: Spec[] = [["in|n", "a"], ["a", "b"], ["b", "c"], ["a", "out|x"], ["a", "out|y"], ["b", "out|z"], ["in|n", "c"]];
    const m = model(edges);
    const l = layout(m, { width: 1080 });
    for (const [key, s] of shapes(m.edges, l)) {
      const [from, to] = key.split(" > ");
      for (const [other, n] of l.nodes) {
        if (other === from || other === to) continue;
        for (const c of s.allow!.curves) {
          for (let t = 0; t <= 1; t += 0.05) {
            const p = pointAt(c, t);
            const crossed = p.x > n.x && p.x < n.x + n.width && p.y > n.y && p.y < n.y + nodeHeight;
            expect(crossed, `${key} crosses ${other}`).toBe(false);
          }
        }
      }
    }
  });
  it("have a label where it covers nothing, or none", () => {
    const m = model([["a", "out|x"]]);
    const l = layout(m, { width: 1080 });
    const line = shapes(m.edges, l).get("a > out|x")!.allow!;
    const free = { taken: [], frames: [], lines: [], most: 2 };
    expect(labelSpot(line, 60, 10, free)).toBeDefined();
    expect(labelSpot(line, 60, 10, { ...free, taken: [{ x: -1e4, y: -1e4, width: 1e5, height: 1e5 }] })).toBeUndefined();
    const crowd = Array.from({ length: 400 }, (_, i) => pointAt(line.curves[0]!, i / 400)).map((p) => ({ x: p.x, y: p.y - 10 }));
    expect(labelSpot(line, 60, 10, { ...free, lines: crowd })).toBeUndefined();
    expect(labelSpot(line, 60, 10, { ...free, lines: crowd, most: Infinity })).toBeDefined();
  });
});
