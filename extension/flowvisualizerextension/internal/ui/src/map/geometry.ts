// The shape of the edges: where they leave and enter, how wide they are, and
// where a label may stand.

import type { Layout, Placed } from "./layout";
import { nodeHeight } from "./layout";
import { bytesOf, type MapEdge } from "./model";

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

export interface EdgeShape {
  key: string;
  width: number;
  allow?: { path: string; head: string; curve: Curve };
  deny?: { path: string; stop: string; curve: Curve };
}

const narrowest = 1.25;
const widest = 8;

/** Logarithmic from 1 kB to the largest edge. */
export function edgeWidth(bytes: number, most: number): number {
  const low = Math.log(1000);
  const high = Math.log(Math.max(most, 1_000_000));
  const t = (Math.log(Math.max(bytes, 1000)) - low) / (high - low);
  return narrowest + (widest - narrowest) * Math.min(1, Math.max(0, t));
}

/** The shapes of all edges whose ends are placed. */
export function shapes(edges: readonly MapEdge[], at: Layout): Map<string, EdgeShape> {
  const most = Math.max(0, ...edges.map((e) => bytesOf(e.totals)));
  const ports = spread(edges, at);
  const result = new Map<string, EdgeShape>();
  for (const e of edges) {
    const from = at.nodes.get(e.from);
    const to = at.nodes.get(e.to);
    if (!from || !to) continue;
    const width = edgeWidth(bytesOf(e.totals), most);
    const allowed = e.totals.connections - e.totals.denied > 0 || bytesOf(e.totals) > 0;
    const denied = e.totals.denied > 0;
    const both = allowed && denied ? width / 2 + 4 : 0;
    const y0 = ports.get(`${e.key} from`)!;
    const y3 = ports.get(`${e.key} to`)!;
    const shape: EdgeShape = { key: e.key, width };
    if (allowed) shape.allow = arrow(route(from, to, y0 - both / 2, y3 - both / 2, e.from === e.to), width);
    if (denied) shape.deny = bar(route(from, to, y0 + both / 2 + (both ? 2 : 0), y3 + both / 2 + (both ? 2 : 0), e.from === e.to));
    result.set(e.key, shape);
  }
  return result;
}

/** Fans edges out over the side of a node where they leave or enter, in the order of their other ends. */
function spread(edges: readonly MapEdge[], at: Layout): Map<string, number> {
  const sides = new Map<string, { id: string; node: Placed; other: number }[]>();
  const add = (side: string, entry: { id: string; node: Placed; other: number }) => sides.set(side, [...(sides.get(side) ?? []), entry]);
  for (const e of edges) {
    const from = at.nodes.get(e.from);
    const to = at.nodes.get(e.to);
    if (!from || !to) continue;
    const back = to.column < from.column;
    const level = to.column === from.column;
    add(`${e.from} ${back ? "left" : "right"}`, { id: `${e.key} from`, node: from, other: to.y });
    add(`${e.to} ${back || level ? "right" : "left"}`, { id: `${e.key} to`, node: to, other: from.y });
  }
  const y = new Map<string, number>();
  for (const entries of sides.values()) {
    entries.sort((a, b) => a.other - b.other || (a.id < b.id ? -1 : 1));
    const step = Math.min(9, 22 / Math.max(1, entries.length - 1));
    entries.forEach((e, i) => y.set(e.id, e.node.y + nodeHeight / 2 + (i - (entries.length - 1) / 2) * step));
  }
  return y;
}

function route(from: Placed, to: Placed, y0: number, y3: number, self: boolean): Curve {
  const right = from.x + from.width;
  if (self) {
    const x = from.x + from.width;
    return { p0: { x, y: from.y + 10 }, p1: { x: x + 34, y: from.y - 2 }, p2: { x: x + 34, y: from.y + 38 }, p3: { x, y: from.y + 27 } };
  }
  if (to.column === from.column) {
    const bend = right + 28 + Math.min(32, Math.abs(y3 - y0) / 6);
    return { p0: { x: right, y: y0 }, p1: { x: bend, y: y0 }, p2: { x: bend, y: y3 }, p3: { x: to.x + to.width, y: y3 } };
  }
  const start = to.column < from.column ? from.x : right;
  const end = to.column < from.column ? to.x + to.width : to.x;
  const bend = (end - start) * 0.5;
  return { p0: { x: start, y: y0 }, p1: { x: start + bend, y: y0 }, p2: { x: end - bend, y: y3 }, p3: { x: end, y: y3 } };
}

const n = (v: number) => Math.round(v * 100) / 100;

function cubic(c: Curve): string {
  return `M${n(c.p0.x)} ${n(c.p0.y)}C${n(c.p1.x)} ${n(c.p1.y)} ${n(c.p2.x)} ${n(c.p2.y)} ${n(c.p3.x)} ${n(c.p3.y)}`;
}

/** Direction in which the curve arrives: -1 leftwards, 1 rightwards. */
const arrival = (c: Curve) => (c.p2.x > c.p3.x ? -1 : 1);

function arrow(c: Curve, width: number): { path: string; head: string; curve: Curve } {
  const d = arrival(c);
  const length = Math.max(6, width * 1.5);
  const half = Math.max(4, width);
  const tip = { x: c.p3.x - d, y: c.p3.y };
  const base = tip.x - d * length;
  const curve = { ...c, p3: { x: base + d, y: c.p3.y } };
  return { path: cubic(curve), head: `M${n(tip.x)} ${n(tip.y)}L${n(base)} ${n(tip.y - half)}V${n(tip.y + half)}z`, curve };
}

function bar(c: Curve): { path: string; stop: string; curve: Curve } {
  const d = arrival(c);
  const x = c.p3.x - d * 10;
  const curve = { ...c, p3: { x: x - d * 2, y: c.p3.y } };
  return { path: cubic(curve), stop: `M${n(x)} ${n(c.p3.y - 6)}v12`, curve };
}

export function pointAt(c: Curve, t: number): Point {
  const u = 1 - t;
  const mix = (k: "x" | "y") => u ** 3 * c.p0[k] + 3 * u * u * t * c.p1[k] + 3 * u * t * t * c.p2[k] + t ** 3 * c.p3[k];
  return { x: mix("x"), y: mix("y") };
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The first place along the curve where a label of this size covers nothing in taken, or undefined. */
export function labelSpot(c: Curve, width: number, lift: number, taken: readonly Rect[]): Point | undefined {
  for (const t of [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78]) {
    const p = pointAt(c, t);
    const at = { x: p.x, y: p.y - lift };
    const r = labelRect(at, width);
    if (!taken.some((o) => overlap(o, r))) return at;
  }
  return undefined;
}

export function labelRect(at: Point, width: number): Rect {
  return { x: at.x - width / 2, y: at.y - 9, width, height: 18 };
}

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
