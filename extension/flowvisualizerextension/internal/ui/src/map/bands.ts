// Several groups in the middle of the map, such as the namespaces of a
// cluster: each is a band over the columns that its nodes stand in, and no
// band covers another.

import type { GroupId } from "./entity";
import type { MapNode } from "./model";

type Rows = Map<string, number>;

/** From a row to the next within a band, and from the last of a band to the first of the next below. */
export interface Pitches {
  row: number;
  band: number;
}

interface Band {
  members: MapNode[];
  from: number;
  to: number;
  top: number;
  bottom: number;
}

const overlap = (a: Band, b: Band) => a.from <= b.to && b.from <= a.to;

function bandOf(group: GroupId, columns: readonly MapNode[][], y: Rows): Band {
  const inside = columns.map((c) => c.filter((n) => n.group === group));
  const members = inside.flat();
  const rows = members.map((n) => y.get(n.key)!).filter((r) => r !== undefined);
  return { members, from: inside.findIndex((c) => c.length > 0), to: inside.findLastIndex((c) => c.length > 0), top: Math.min(...rows), bottom: Math.max(...rows) };
}

/** Fresh rows: each group in turn as high as those above it in its columns allow. The columns are in their order. */
export function stack(columns: readonly MapNode[][], order: readonly GroupId[], pitch: Pitches, wanted: (n: MapNode, y: Rows) => number | undefined): Rows {
  const y: Rows = new Map();
  const floor = columns.map(() => 0);
  const bands: Band[] = [];
  for (const group of order) {
    const inside = columns.map((c) => c.filter((n) => n.group === group));
    const { from, to } = bandOf(group, columns, y);
    const top = Math.max(...floor.slice(from, to + 1));
    const most = Math.max(...inside.map((c) => c.length));
    for (const c of inside) c.forEach((n, i) => y.set(n.key, Math.round((top + ((most - c.length) / 2 + i) * pitch.row) / 4) * 4));
    floor.fill(top + (most - 1) * pitch.row + pitch.band, from, to + 1);
    bands.push(bandOf(group, columns, y));
  }
  const height = Math.max(...bands.map((b) => b.bottom));
  for (const part of apart(bands)) {
    // What shares no column with the others may stand beside what it is joined to.
    const pulls = part.flatMap((b) => b.members).flatMap((n) => {
      const to = wanted(n, y);
      return to === undefined ? [] : [to - y.get(n.key)!];
    });
    const pull = pulls.reduce((sum, p) => sum + p, 0) / Math.max(1, pulls.length);
    const room = height - Math.max(...part.map((b) => b.bottom));
    shift(part, y, Math.round(Math.min(room, Math.max(0, pull)) / 4) * 4);
  }
  return y;
}

/** Bands that share columns, directly or by others, together. */
function apart(bands: readonly Band[]): Band[][] {
  const parts: Band[][] = [];
  for (const b of bands) {
    const joined = parts.filter((p) => p.some((o) => overlap(o, b)));
    for (const p of joined) parts.splice(parts.indexOf(p), 1);
    parts.push([...joined.flat(), b]);
  }
  return parts;
}

function shift(bands: readonly Band[], y: Rows, by: number): void {
  for (const b of bands) for (const n of b.members) y.set(n.key, y.get(n.key)! + by);
}

/** A row for a node that is new: in its band when there is a free one, else at its end. */
export function rowInBand(node: MapNode, column: readonly MapNode[], columns: readonly MapNode[][], y: Rows, wanted: number, pitch: Pitches): number {
  const rows = (nodes: readonly MapNode[]) => nodes.flatMap((n) => y.get(n.key) ?? []);
  const mates = rows(columns.flat().filter((n) => n.group === node.group));
  if (mates.length === 0) {
    const others = rows(columns.flat());
    return others.length > 0 ? Math.max(...others) + pitch.band : Math.round(wanted / 4) * 4;
  }
  const taken = rows(column);
  const free = mates.filter((r) => taken.every((t) => Math.abs(t - r) >= pitch.row));
  return free.length > 0 ? free.reduce((best, r) => (Math.abs(r - wanted) < Math.abs(best - wanted) ? r : best)) : Math.max(...mates) + pitch.row;
}

/** Pushes a band down when one above it grew into it. */
export function separateBands(columns: readonly MapNode[][], y: Rows, pitch: Pitches): void {
  const groups = [...new Set(columns.flat().map((n) => n.group))];
  const placed: Band[] = [];
  for (const b of groups.map((g) => bandOf(g, columns, y)).sort((a, b) => a.top - b.top)) {
    const floor = Math.max(-Infinity, ...placed.filter((p) => overlap(p, b)).map((p) => p.bottom + pitch.band));
    const by = Math.max(0, floor - b.top);
    shift([b], y, by);
    placed.push({ ...b, top: b.top + by, bottom: b.bottom + by });
  }
}
