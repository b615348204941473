// The shape of the edges: where they leave and enter, and how wide they are.

import type { Layout, Placed } from "./layout";
import { nodeHeight } from "./sizes";
import type { MapEdge } from "./model";
import { bytesOf, unanswered } from "./totals";

export interface Point {
  x: number;
  y: number;
}

export interface Curve {
  p0: Point;
  p1: Point;
  p2: Point;
  p3: Point;
}

/** A line of an edge: curves end to end, and the path that draws them. */
export interface Line {
  path: string;
  curves: Curve[];
  /** The arrow's head or the bar that ends a denied line. */
  end: string;
  /** Of a loop: where its label begins. */
  beside?: Point;
}

export interface EdgeShape {
  key: string;
  width: number;
  allow?: Line;
  deny?: Line;
}

const narrowest = 1.25;
const widest = 8;
/** A loop is drawn small, where a wide line would fill it. */
const widestLoop = 3;

/** Powers of ten between the narrowest edge and the widest. */
const decades = 3;

/** Logarithmic over the thousandfold below the largest edge, a little bent so that the few large ones stand out. */
export function edgeWidth(bytes: number, most: number): number {
  const t = 1 + Math.log10(Math.max(bytes, 1) / Math.max(most, 100_000)) / decades;
  return narrowest + (widest - narrowest) * Math.min(1, Math.max(0, t)) ** 1.5;
}

/** The shapes of all edges whose ends are placed. */
export function shapes(edges: readonly MapEdge[], at: Layout): Map<string, EdgeShape> {
  const most = Math.max(0, ...edges.map((e) => bytesOf(e.totals)));
  const widthOf = (e: MapEdge) => Math.min(edgeWidth(bytesOf(e.totals), most), e.from === e.to ? widestLoop : widest);
  // Fanned out first towards the other ends, to find the ways, and then along these.
  const straight = spread(edges, at, widthOf, new Map());
  const lanes = new Lanes(at);
  const ways = new Map<string, Waypoint[]>();
  for (const e of edges) {
    const from = at.nodes.get(e.from);
    const to = at.nodes.get(e.to);
    if (from && to) ways.set(e.key, lanes.between(from, to, straight.get(`${e.key} from`)!, straight.get(`${e.key} to`)!, widthOf(e)));
  }
  const ports = spread(edges, at, widthOf, ways);
  const result = new Map<string, EdgeShape>();
  for (const e of edges) {
    const from = at.nodes.get(e.from);
    const to = at.nodes.get(e.to);
    if (!from || !to) continue;
    const self = e.from === e.to;
    const width = widthOf(e);
    const denied = e.totals.denied > 0;
    const allowed = !denied || (e.totals.connections > e.totals.denied && !unanswered(e.totals));
    const both = allowed && denied ? width / 2 + 4 : 0;
    const y0 = ports.get(`${e.key} from`)!;
    const y3 = ports.get(`${e.key} to`)!;
    const shape: EdgeShape = { key: e.key, width };
    const via = ways.get(e.key)!;
    const shifted = (by: number) => (self ? loop(from, y0, y3, by) : route(from, to, y0 + by, y3 + by, via));
    if (allowed) shape.allow = arrow(shifted(-both / 2), width);
    if (denied) shape.deny = bar(shifted(both ? both / 2 + 2 : 0));
    if (self) {
      // Where other edges leave below the loop its label keeps away from theirs.
      const y = (y0 + y3) / 2;
      const beside = { x: from.x + from.width + loopReach, y: y < from.y + nodeHeight / 2 ? y - 5 : y };
      if (shape.allow) shape.allow.beside = both ? { ...beside, y: beside.y - 9 } : beside;
      if (shape.deny) shape.deny.beside = both ? { ...beside, y: beside.y + 10 } : beside;
    }
    result.set(e.key, shape);
  }
  return result;
}

/** One end of an edge at the side of a node. */
interface Port {
  id: string;
  node: Placed;
  /** Height to which the edge goes next. */
  next: number;
  self: boolean;
  width: number;
}

/** Fans edges out over the side of a node where they leave or enter, so that they do not cross there. */
function spread(edges: readonly MapEdge[], at: Layout, widthOf: (e: MapEdge) => number, ways: ReadonlyMap<string, readonly Waypoint[]>): Map<string, number> {
  const sides = new Map<string, Port[]>();
  const add = (side: string, entry: Port) => sides.set(side, [...(sides.get(side) ?? []), entry]);
  for (const e of edges) {
    const from = at.nodes.get(e.from);
    const to = at.nodes.get(e.to);
    if (!from || !to) continue;
    const back = to.column < from.column;
    const level = to.column === from.column;
    const self = e.from === e.to;
    const width = widthOf(e);
    const way = ways.get(e.key) ?? [];
    const centre = (p: Placed) => p.y + nodeHeight / 2;
    add(`${e.from} ${back ? "left" : "right"}`, { id: `${e.key} from`, node: from, next: way[0]?.y ?? centre(to), self, width });
    add(`${e.to} ${back || level ? "right" : "left"}`, { id: `${e.key} to`, node: to, next: way.at(-1)?.y ?? centre(from), self, width });
  }
  const y = new Map<string, number>();
  for (const entries of sides.values()) {
    // A node's loop is the topmost of what leaves it, so that nothing runs through it.
    entries.sort((a, b) => Number(b.self) - Number(a.self) || a.next - b.next || (a.id < b.id ? -1 : 1));
    const gaps = entries.slice(1).map((e, i) => (e.self ? loopHeight : Math.max(8, (entries[i]!.width + e.width) / 2 + 3)));
    const all = gaps.reduce((sum, g) => sum + g, 0);
    const shrink = Math.min(1, (nodeHeight - 8) / Math.max(1, all));
    let at = entries[0]!.node.y + (nodeHeight - all * shrink) / 2;
    entries.forEach((e, i) => y.set(e.id, (at += i === 0 ? 0 : gaps[i - 1]! * shrink)));
  }
  return y;
}

interface Waypoint {
  left: number;
  right: number;
  y: number;
}

/** Finds the gaps between nodes through which an edge passes the columns between its ends. */
class Lanes {
  private readonly columns: { left: number; right: number; tops: number[] }[] = [];
  /** By the gap: how many edges run through it, and what of it they take. */
  private readonly used = new Map<string, { edges: number; taken: number }>();

  constructor(at: Layout) {
    for (const p of at.nodes.values()) {
      const c = (this.columns[p.column] ??= { left: p.x, right: p.x + p.width, tops: [] });
      c.tops.push(p.y);
    }
    // Between boxes that lie one below the other an edge keeps to the gap, not to what a box is called.
    const boxes = at.kept.grouped ? at.groups.filter((g) => g.side === "mid") : [];
    for (const b of boxes) {
      for (const c of this.columns) if (c && c.left >= b.x && c.right <= b.x + b.width) c.tops.push(b.y - aboveName);
    }
    for (const c of this.columns) c?.tops.sort((a, b) => a - b);
  }

  between(from: Placed, to: Placed, y0: number, y3: number, width: number): Waypoint[] {
    const step = Math.sign(to.column - from.column);
    const found: Waypoint[] = [];
    for (let i = from.column + step; step !== 0 && i !== to.column; i += step) {
      const c = this.columns[i];
      if (!c) continue;
      const last = found.at(-1);
      const along = last ? { x: last.right, y: last.y } : { x: from.x + from.width, y: y0 };
      const share = Math.min(1, Math.max(0, ((c.left + c.right) / 2 - along.x) / (to.x - along.x || 1)));
      const wanted = along.y + (y3 - along.y) * share;
      found.push({ left: c.left, right: c.right, y: this.free(i, c.tops, wanted, width) });
    }
    return found;
  }

  /** The height nearest to the one wanted that crosses no node of a column. */
  private free(column: number, tops: readonly number[], wanted: number, width: number): number {
    const apart = (y: number, space: number) => tops.every((t) => y <= t - space || y >= t + nodeHeight + space);
    if (apart(wanted, lane + width / 2)) return wanted;
    const gaps = tops.flatMap((t) => [{ y: t - middle, out: -1 }, { y: t + nodeHeight + middle, out: 1 }]).filter((g) => apart(g.y, middle));
    const best = gaps.reduce((a, b) => (Math.abs(b.y - wanted) < Math.abs(a.y - wanted) ? b : a), gaps[0] ?? { y: wanted, out: 1 });
    const key = `${column} ${best.y}`;
    const before = this.used.get(key) ?? { edges: 0, taken: 0 };
    this.used.set(key, { edges: before.edges + 1, taken: before.taken + width + lane });
    // Where no other node follows soon, edges run side by side; between two rows they part as far as there is room.
    const open = apart(best.y + best.out * 4 * middle, middle);
    return open ? best.y + best.out * (before.taken + width / 2) : best.y + [0, 3, -3][before.edges % 3]!;
  }
}

/** A name takes as much room as a node; so much of that lies above its box. */
const aboveName = 6;

/** From a node to the middle of the gap between two rows. */
const middle = 6;

/** Space that an edge keeps from the nodes it passes. */
const lane = 4;

/** How far apart a loop leaves its node and comes back. */
const loopHeight = 16;
/** How far the control points of a loop lie from its node; the line reaches three quarters of that. */
const loopReach = 32;

/** From a node to itself, by its right side; outside is how much further out than the usual loop. */
function loop(node: Placed, y0: number, y3: number, outside: number): Curve[] {
  const right = node.x + node.width;
  const bend = right + loopReach + outside;
  return [{ p0: { x: right, y: y0 - outside }, p1: { x: bend, y: y0 - outside }, p2: { x: bend, y: y3 + outside }, p3: { x: right, y: y3 + outside } }];
}

function route(from: Placed, to: Placed, y0: number, y3: number, via: readonly Waypoint[]): Curve[] {
  const right = from.x + from.width;
  if (to.column === from.column) {
    const bend = right + 28 + Math.min(32, Math.abs(y3 - y0) / 6);
    return [{ p0: { x: right, y: y0 }, p1: { x: bend, y: y0 }, p2: { x: bend, y: y3 }, p3: { x: to.x + to.width, y: y3 } }];
  }
  const back = to.column < from.column;
  const curves: Curve[] = [];
  let at: Point = { x: back ? from.x : right, y: y0 };
  for (const w of via) {
    const near = { x: back ? w.right : w.left, y: w.y };
    const far = { x: back ? w.left : w.right, y: w.y };
    curves.push(sCurve(at, near), sCurve(near, far));
    at = far;
  }
  curves.push(sCurve(at, { x: back ? to.x + to.width : to.x, y: y3 }));
  return curves;
}

function sCurve(a: Point, b: Point): Curve {
  const middle = (a.x + b.x) / 2;
  return { p0: a, p1: { x: middle, y: a.y }, p2: { x: middle, y: b.y }, p3: b };
}

const n = (v: number) => Math.round(v * 100) / 100;

function draw(curves: readonly Curve[]): string {
  const start = curves[0]!.p0;
  return `M${n(start.x)} ${n(start.y)}${curves.map((c) => `C${n(c.p1.x)} ${n(c.p1.y)} ${n(c.p2.x)} ${n(c.p2.y)} ${n(c.p3.x)} ${n(c.p3.y)}`).join("")}`;
}

/** Direction in which the curve arrives: -1 leftwards, 1 rightwards. */
const arrival = (c: Curve) => (c.p2.x > c.p3.x ? -1 : 1);

/** The curves with their last end moved to x. */
function endAt(curves: readonly Curve[], x: number): Curve[] {
  const last = curves.at(-1)!;
  return [...curves.slice(0, -1), { ...last, p3: { x, y: last.p3.y } }];
}

function arrow(curves: Curve[], width: number): Line {
  const last = curves.at(-1)!;
  const d = arrival(last);
  const half = Math.max(4, width);
  const tip = { x: last.p3.x - d, y: last.p3.y };
  const base = tip.x - d * Math.max(6, width * 1.5);
  const cut = endAt(curves, base + d);
  return { path: draw(cut), curves: cut, end: `M${n(tip.x)} ${n(tip.y)}L${n(base)} ${n(tip.y - half)}V${n(tip.y + half)}z` };
}

function bar(curves: Curve[]): Line {
  const last = curves.at(-1)!;
  const d = arrival(last);
  const x = last.p3.x - d * 10;
  const cut = endAt(curves, x - d * 2);
  return { path: draw(cut), curves: cut, end: `M${n(x)} ${n(last.p3.y - 6)}v12` };
}

export function pointAt(c: Curve, t: number): Point {
  const u = 1 - t;
  const mix = (k: "x" | "y") => u ** 3 * c.p0[k] + 3 * u * u * t * c.p1[k] + 3 * u * t * t * c.p2[k] + t ** 3 * c.p3[k];
  return { x: mix("x"), y: mix("y") };
}
