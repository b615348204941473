// Where everything on the map stands. Traffic runs left to right: callers,
// this machine in as many columns as its own processes call each other, what
// it calls. Deterministic, and given the last layout nothing that was there
// moves: what is new takes a free row or a new one.

import type { GroupId } from "./levels";
import { bytesOf, type MapEdge, type MapModel, type MapNode, type Side } from "./model";

export const nodeHeight = 36;
export const pitch = 48;
const outsideWidth = 172;
const machineWidth = 148;
const padding = 12;
const header = 32;
const innerMin = 64;
const innerMax = 152;
const groupGap = 28;
const gapMin = 104;
const gapMax = 220;
const maxRank = 2;

export interface Placed {
  x: number;
  y: number;
  width: number;
  /** 0 for callers, then the machine's columns, then what is called. */
  column: number;
}

export interface GroupBox {
  key: string;
  group: GroupId;
  side: Side;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  nodes: Map<string, Placed>;
  groups: GroupBox[];
  /** What the next layout keeps: ranks of the machine's nodes, rows of all nodes that ever stood, blocks in use. */
  kept: { ranks: Map<string, number>; rows: Map<string, number>; inner: number; used: boolean[] };
  width: number;
  height: number;
}

const groupOrder: GroupId[] = ["local", "machine", "internet"];

export function layout(model: MapModel, viewport: { width: number }, previous?: Layout): Layout {
  const kept = previous && model.nodes.some((n) => previous.nodes.has(n.key)) ? previous.kept : undefined;
  const ranks = rank(model, kept?.ranks);
  const inner = Math.max(kept?.inner ?? 0, ...ranks.values());
  const columnOf = (n: MapNode) => (n.side === "in" ? 0 : n.side === "out" ? inner + 2 : 1 + (ranks.get(n.key) ?? 0));
  const columns: MapNode[][] = Array.from({ length: inner + 3 }, () => []);
  for (const n of model.nodes) columns[columnOf(n)]!.push(n);

  const links = neighbours(model.edges);
  const y = kept ? insert(columns, links, kept.rows) : arrange(columns, links);
  const used = [columns[0]!, columns.slice(1, -1).flat(), columns.at(-1)!].map((c, i) => c.length > 0 || kept?.used[i] === true);
  const rows = new Map([...(kept?.rows ?? []), ...y]);
  return place(columns, y, { ranks: new Map([...(kept?.ranks ?? []), ...ranks]), rows, inner, used }, viewport.width);
}

interface Link {
  key: string;
  weight: number;
}

function neighbours(edges: readonly MapEdge[]): Map<string, Link[]> {
  const links = new Map<string, Link[]>();
  const add = (a: string, b: string, weight: number) => links.set(a, [...(links.get(a) ?? []), { key: b, weight }]);
  for (const e of edges) {
    const weight = Math.log2(2 + bytesOf(e.totals));
    add(e.from, e.to, weight);
    add(e.to, e.from, weight);
  }
  return links;
}

/** Columns of the machine: a callee stands right of its caller, lighter edges giving way in a cycle. */
function rank(model: MapModel, previous: ReadonlyMap<string, number> | undefined): Map<string, number> {
  const mid = model.nodes.filter((n) => n.side === "mid");
  const isMid = new Set(mid.map((n) => n.key));
  const after = new Map<string, string[]>();
  const reaches = (from: string, to: string): boolean => from === to || (after.get(from) ?? []).some((next) => reaches(next, to));
  for (const e of model.edges) {
    if (!isMid.has(e.from) || !isMid.has(e.to) || reaches(e.to, e.from)) continue;
    after.set(e.from, [...(after.get(e.from) ?? []), e.to]);
  }
  const called = new Set([...after.values()].flat());
  const depth = new Map<string, number>();
  const push = (key: string, d: number) => {
    if ((depth.get(key) ?? -1) >= d) return;
    depth.set(key, d);
    for (const next of after.get(key) ?? []) push(next, Math.min(d + 1, maxRank));
  };
  for (const n of mid) if (after.has(n.key) && !called.has(n.key)) push(n.key, 0);

  const callsOut = new Set(model.edges.filter((e) => e.to.startsWith("out|") || e.to.endsWith("-out")).map((e) => e.from));
  const calledIn = new Set(model.edges.filter((e) => e.from.startsWith("in|") || e.from.endsWith("-in")).map((e) => e.to));
  const linked = Math.max(0, ...depth.values());
  const both = mid.some((n) => callsOut.has(n.key) && !calledIn.has(n.key)) && mid.some((n) => calledIn.has(n.key) && !callsOut.has(n.key));
  const last = Math.max(linked, both ? 1 : 0);
  const result = new Map<string, number>();
  for (const n of mid) {
    const known = previous?.get(n.key);
    const free = callsOut.has(n.key) && !calledIn.has(n.key) ? last : 0;
    result.set(n.key, known ?? depth.get(n.key) ?? free);
  }
  return result;
}

/** Fresh positions: order by what they are joined to, then as near to that as the order allows. */
function arrange(columns: MapNode[][], links: Map<string, Link[]>): Map<string, number> {
  const orders = columns.map((c) => [...c].sort(byGroup));
  const row = new Map<string, number>();
  const number = () => orders.forEach((o) => o.forEach((n, i) => row.set(n.key, i - o.length / 2)));
  number();
  for (let sweep = 0; sweep < 6; sweep++) {
    const order = sweep % 2 === 0 ? orders : [...orders].reverse();
    for (const column of order) {
      const centre = new Map(column.map((n) => [n.key, mean(links.get(n.key), row) ?? row.get(n.key)!]));
      column.sort((a, b) => byGroup(a, b) || centre.get(a.key)! - centre.get(b.key)! || (a.key < b.key ? -1 : 1));
      column.forEach((n, i) => row.set(n.key, i - column.length / 2));
    }
  }
  const y = new Map<string, number>();
  const longest = orders.reduce((best, o, i) => (o.length > orders[best]!.length ? i : best), 0);
  const sequence = [longest, ...orders.keys()].filter((c, i) => i === 0 || c !== longest).sort((a, b) => Math.abs(a - longest) - Math.abs(b - longest));
  for (const c of sequence) {
    const column = orders[c]!;
    const gaps = column.map((n, i) => (i === 0 ? 0 : column[i - 1]!.group === n.group ? pitch : pitch + 2 * padding + header + groupGap - 12));
    const wanted = column.map((n, i) => (c === longest ? undefined : mean(links.get(n.key), y)) ?? i * pitch);
    settle(wanted, gaps).forEach((v, i) => y.set(column[i]!.key, Math.round(v / 4) * 4));
  }
  return y;
}

/** The rest of a group stands below those that are named. */
function byGroup(a: MapNode, b: MapNode): number {
  return groupOrder.indexOf(a.group) - groupOrder.indexOf(b.group) || Number(a.entity === null) - Number(b.entity === null);
}

function mean(links: readonly Link[] | undefined, at: ReadonlyMap<string, number>): number | undefined {
  let sum = 0;
  let weights = 0;
  for (const l of links ?? []) {
    const v = at.get(l.key);
    if (v === undefined) continue;
    sum += v * l.weight;
    weights += l.weight;
  }
  return weights > 0 ? sum / weights : undefined;
}

/** The positions nearest to those wanted (least squares) that keep the order and the gaps. */
export function settle(wanted: readonly number[], gaps: readonly number[]): number[] {
  const offset: number[] = [];
  wanted.forEach((_, i) => offset.push((offset[i - 1] ?? 0) + gaps[i]!));
  const blocks: { sum: number; n: number }[] = [];
  wanted.forEach((w, i) => {
    let block = { sum: w - offset[i]!, n: 1 };
    for (let top = blocks.at(-1); top && top.sum / top.n >= block.sum / block.n; top = blocks.at(-1)) {
      block = { sum: block.sum + top.sum, n: block.n + top.n };
      blocks.pop();
    }
    blocks.push(block);
  });
  const level = blocks.flatMap((b) => Array.from({ length: b.n }, () => b.sum / b.n));
  return level.map((v, i) => v + offset[i]!);
}

/** Keeps every row that was given; a new node takes the free row of its group nearest to what it is joined to. */
function insert(columns: MapNode[][], links: Map<string, Link[]>, rows: ReadonlyMap<string, number>): Map<string, number> {
  const y = new Map<string, number>();
  for (const column of columns) {
    const taken: number[] = [];
    for (const n of column) {
      const at = rows.get(n.key);
      if (at === undefined || taken.some((t) => Math.abs(t - at) < pitch)) continue;
      y.set(n.key, at);
      taken.push(at);
    }
  }
  for (const column of columns) {
    for (const n of column) {
      if (y.has(n.key)) continue;
      const mates = column.filter((m) => m.group === n.group && y.has(m.key)).map((m) => y.get(m.key)!);
      const others = column.filter((m) => m.group !== n.group && y.has(m.key)).map((m) => y.get(m.key)!);
      y.set(n.key, freeRow(mates, others, mean(links.get(n.key), y) ?? 0));
    }
    separate(column, y);
  }
  return y;
}

function freeRow(mates: number[], others: number[], wanted: number): number {
  if (mates.length === 0) return others.length > 0 ? Math.max(...others) + pitch + 2 * padding + header + groupGap - 12 : Math.round(wanted / 4) * 4;
  const candidates = mates.flatMap((m) => [m - pitch, m + pitch]).filter((c) => mates.every((m) => Math.abs(m - c) >= pitch));
  const inside = candidates.filter((c) => c > Math.min(...mates) && c < Math.max(...mates));
  const pool = inside.length > 0 ? inside : [Math.max(...mates) + pitch];
  return pool.reduce((best, c) => (Math.abs(c - wanted) < Math.abs(best - wanted) ? c : best));
}

/** Pushes a group down when the one above grew into it. */
function separate(column: MapNode[], y: Map<string, number>): void {
  const groups = [...new Set(column.map((n) => n.group))].map((g) => column.filter((n) => n.group === g));
  groups.sort((a, b) => Math.min(...a.map((n) => y.get(n.key)!)) - Math.min(...b.map((n) => y.get(n.key)!)));
  let floor = -Infinity;
  for (const members of groups) {
    const top = Math.min(...members.map((n) => y.get(n.key)!));
    const push = Math.max(0, floor - top);
    for (const n of members) y.set(n.key, y.get(n.key)! + push);
    floor = Math.max(...members.map((n) => y.get(n.key)!)) + pitch + 2 * padding + header + groupGap - 12;
  }
}

function place(columns: MapNode[][], y: Map<string, number>, kept: Layout["kept"], available: number): Layout {
  const { inner, used } = kept;
  const boxes = used.filter(Boolean).length;
  const widthsWith = (innerGap: number) => [outsideWidth + 2 * padding, (inner + 1) * machineWidth + inner * innerGap + 2 * padding, outsideWidth + 2 * padding];
  const freeWith = (innerGap: number) => available - 64 - widthsWith(innerGap).reduce((sum, w, i) => sum + (used[i] ? w : 0), 0);
  const spare = freeWith(innerMin) - (boxes - 1) * gapMin;
  const innerGap = Math.min(innerMax, Math.max(innerMin, innerMin + spare / Math.max(1, inner)));
  const widths = widthsWith(innerGap);
  const free = freeWith(innerGap);
  const gap = Math.min(gapMax, Math.max(gapMin, boxes > 1 ? free / (boxes - 1) : gapMin));
  const lefts: number[] = [];
  let x = 0;
  used.forEach((u, i) => {
    lefts.push(x);
    if (u) x += widths[i]! + gap;
  });
  const nodes = new Map<string, Placed>();
  columns.forEach((column, c) => {
    const block = c === 0 ? 0 : c === columns.length - 1 ? 2 : 1;
    const left = Math.round(lefts[block]! + padding + (block === 1 ? (c - 1) * (machineWidth + innerGap) : 0));
    for (const n of column) nodes.set(n.key, { x: left, y: y.get(n.key)!, width: block === 1 ? machineWidth : outsideWidth, column: c });
  });
  const groups = box(columns, nodes, lefts, widths);
  const bottom = Math.max(0, ...groups.map((g) => g.y + g.height));
  const top = Math.min(0, ...groups.map((g) => g.y));
  return { nodes, groups, kept, width: Math.max(0, x - gap), height: bottom - top };
}

function box(columns: MapNode[][], nodes: Map<string, Placed>, lefts: number[], widths: number[]): GroupBox[] {
  const groups: GroupBox[] = [];
  const sides: [Side, MapNode[], number][] = [
    ["in", columns[0]!, 0],
    ["mid", columns.slice(1, -1).flat(), 1],
    ["out", columns.at(-1)!, 2],
  ];
  for (const [side, members, i] of sides) {
    for (const group of groupOrder) {
      const ys = members.filter((n) => n.group === group).map((n) => nodes.get(n.key)!.y);
      if (ys.length === 0) continue;
      const top = Math.min(...ys) - header - 8;
      groups.push({ key: `${group}-${side}`, group, side, x: Math.round(lefts[i]!), y: top, width: widths[i]!, height: Math.max(...ys) + nodeHeight + padding - top });
    }
  }
  return groups;
}
