// The rows of the map: where in its column each node stands.

import { rowInBand, separateBands, stack } from "./bands";
import type { GroupId } from "./entity";
import { type Link, mean } from "./links";
import type { MapNode } from "./model";
import { groupPitch, pitch, sizesOf } from "./sizes";

/** Fresh positions: order by what they are joined to, then as near to that as the order allows. */
export function arrange(columns: MapNode[][], links: Map<string, Link[]>, grouped: boolean): Map<string, number> {
  const apart = groupPitch(sizesOf(grouped));
  let groups = groupsOf(columns.flat());
  const orders = columns.map((c) => [...c].sort((a, b) => byGroup(groups, a, b)));
  const row = new Map<string, number>();
  const number = () => orders.forEach((o) => o.forEach((n, i) => row.set(n.key, i - o.length / 2)));
  number();
  for (let sweep = 0; sweep < 6; sweep++) {
    const order = sweep % 2 === 0 ? orders : [...orders].reverse();
    for (const column of order) {
      const centre = new Map(column.map((n) => [n.key, mean(links.get(n.key), row) ?? row.get(n.key)!]));
      column.sort((a, b) => byGroup(groups, a, b) || centre.get(a.key)! - centre.get(b.key)! || (a.key < b.key ? -1 : 1));
      column.forEach((n, i) => row.set(n.key, i - column.length / 2));
    }
    if (grouped && sweep < 4) groups = byCentre(groups, columns.flat(), (n) => mean(links.get(n.key), row) ?? row.get(n.key)!);
  }
  const middle = orders.slice(1, -1);
  const y = grouped ? stack(middle, groups.filter((g) => middle.flat().some((n) => n.group === g)), { row: pitch, band: apart }, (n, at) => mean(links.get(n.key), at)) : new Map<string, number>();
  const longest = orders.reduce((best, o, i) => (o.length > orders[best]!.length ? i : best), 0);
  const sequence = [longest, ...orders.keys()].filter((c, i) => i === 0 || c !== longest).sort((a, b) => Math.abs(a - longest) - Math.abs(b - longest));
  for (const c of sequence) {
    const column = orders[c]!;
    if (column.every((n) => y.has(n.key))) continue;
    const gaps = column.map((n, i) => (i === 0 ? 0 : column[i - 1]!.group === n.group ? pitch : apart));
    const wanted = column.map((n, i) => (c === longest && !grouped ? undefined : mean(links.get(n.key), y)) ?? i * pitch);
    settle(wanted, gaps).forEach((v, i) => y.set(column[i]!.key, Math.round(v / 4) * 4));
  }
  return y;
}

/** The groups from top to bottom as they are ordered at first: what is near above what is far. */
export function groupsOf(nodes: readonly MapNode[]): GroupId[] {
  const far = (g: GroupId) => (g === "local" ? 0 : g === "internet" ? 2 : 1);
  return [...new Set(nodes.map((n) => n.group))].sort((a, b) => far(a) - far(b));
}

/** The groups of the middle by where their nodes had better stand. */
function byCentre(groups: readonly GroupId[], nodes: readonly MapNode[], centre: (n: MapNode) => number): GroupId[] {
  const at = new Map(groups.map((g) => {
    const rows = nodes.filter((n) => n.group === g).map(centre);
    return [g, g === "local" ? -Infinity : g === "internet" ? Infinity : rows.reduce((sum, r) => sum + r, 0) / Math.max(1, rows.length)];
  }));
  return [...groups].sort((a, b) => (at.get(a)! < at.get(b)! ? -1 : at.get(a)! > at.get(b)! ? 1 : 0));
}

/** The rest of a group stands below those that are named. */
function byGroup(groups: readonly GroupId[], a: MapNode, b: MapNode): number {
  return groups.indexOf(a.group) - groups.indexOf(b.group) || Number(a.entity === null) - Number(b.entity === null);
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
export function insert(columns: MapNode[][], links: Map<string, Link[]>, rows: ReadonlyMap<string, number>, grouped: boolean): Map<string, number> {
  const y = new Map<string, number>();
  const middle = columns.slice(1, -1);
  const apart = groupPitch(sizesOf(grouped));
  const pitches = { row: pitch, band: apart };
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
      if (grouped && n.side === "mid") {
        y.set(n.key, rowInBand(n, column, middle, y, mean(links.get(n.key), y) ?? 0, pitches));
        continue;
      }
      const mates = column.filter((m) => m.group === n.group && y.has(m.key)).map((m) => y.get(m.key)!);
      const others = column.filter((m) => m.group !== n.group && y.has(m.key)).map((m) => y.get(m.key)!);
      y.set(n.key, freeRow(mates, others, mean(links.get(n.key), y) ?? 0, apart));
    }
    if (!(grouped && middle.includes(column))) separate(column, y, apart);
  }
  if (grouped) separateBands(middle, y, pitches);
  return y;
}

function freeRow(mates: number[], others: number[], wanted: number, apart: number): number {
  if (mates.length === 0) return others.length > 0 ? Math.max(...others) + apart : Math.round(wanted / 4) * 4;
  const candidates = mates.flatMap((m) => [m - pitch, m + pitch]).filter((c) => mates.every((m) => Math.abs(m - c) >= pitch));
  const inside = candidates.filter((c) => c > Math.min(...mates) && c < Math.max(...mates));
  const pool = inside.length > 0 ? inside : [Math.max(...mates) + pitch];
  return pool.reduce((best, c) => (Math.abs(c - wanted) < Math.abs(best - wanted) ? c : best));
}

/** Pushes a group down when the one above grew into it. */
function separate(column: MapNode[], y: Map<string, number>, apart: number): void {
  const groups = [...new Set(column.map((n) => n.group))].map((g) => column.filter((n) => n.group === g));
  groups.sort((a, b) => Math.min(...a.map((n) => y.get(n.key)!)) - Math.min(...b.map((n) => y.get(n.key)!)));
  let floor = -Infinity;
  for (const members of groups) {
    const top = Math.min(...members.map((n) => y.get(n.key)!));
    const push = Math.max(0, floor - top);
    for (const n of members) y.set(n.key, y.get(n.key)! + push);
    floor = Math.max(...members.map((n) => y.get(n.key)!)) + apart;
  }
}
