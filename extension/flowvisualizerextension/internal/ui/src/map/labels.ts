// Where the label of an edge may stand.

import { pointAt, type Line, type Point } from "./geometry";

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Points along a line, close enough to tell whether a label would cover it. */
export function samples(line: Line): Point[] {
  return line.curves.flatMap((c) => Array.from({ length: 12 }, (_, i) => pointAt(c, i / 12)));
}

export interface Surroundings {
  /** What a label may not cover. */
  taken: readonly Rect[];
  /** Frames that it had better not cross. */
  frames: readonly Rect[];
  /** Points of lines that it had better not cover. */
  lines: readonly Point[];
  /** How many of them it may cover. */
  most: number;
}

/** Where along a line a label of this width stands best: level, near the middle; undefined when there is no place. */
export function labelSpot(line: Line, width: number, lift: number, { taken, frames, lines, most }: Surroundings): Point | undefined {
  if (line.beside) {
    const at = { x: line.beside.x + width / 2, y: line.beside.y };
    return taken.some((o) => overlap(o, labelRect(at, width))) ? undefined : at;
  }
  let best: { at: Point; cost: number } | undefined;
  const end = line.curves.at(-1)!.p3;
  const head = { x: end.x - 10, y: end.y - 6, width: 20, height: 12 };
  const spots = line.curves.flatMap((c, i) => [0.12, 0.25, 0.38, 0.44, 0.5, 0.56, 0.62, 0.75, 0.88].map((t) => ({ c, t, far: Math.abs((i + t) / line.curves.length - 0.5) })));
  for (const { c, t, far } of spots) {
    const p = pointAt(c, t);
    const at = { x: p.x, y: p.y - lift };
    const r = labelRect(at, width);
    if (overlap(head, r) || taken.some((o) => overlap(o, r))) continue;
    const before = pointAt(c, Math.max(0, t - 0.1));
    const after = pointAt(c, Math.min(1, t + 0.1));
    const slope = Math.abs(after.y - before.y) / (Math.abs(after.x - before.x) + 1);
    const covered = lines.reduce((k, o) => (inside(r, o) ? k + 1 : k), 0);
    if (covered > most) continue;
    const crossed = frames.filter((f) => overlap(f, r) && !within(r, f)).length;
    const cost = far * 2 + (lift > 0 ? slope * 3 : 0) + Math.min(covered, 4) * 0.8 + crossed;
    if (!best || cost < best.cost) best = { at, cost };
  }
  return best?.at;
}

/** What a loop takes of the room beside its node. */
export function loopRect(line: Line): Rect | undefined {
  const [curve] = line.curves;
  if (!line.beside || !curve) return undefined;
  return { x: curve.p0.x, y: curve.p0.y, width: line.beside.x - curve.p0.x - 4, height: curve.p3.y - curve.p0.y };
}

export function labelRect(at: Point, width: number): Rect {
  return { x: at.x - width / 2, y: at.y - 9, width, height: 18 };
}

function inside(r: Rect, p: Point): boolean {
  return p.x > r.x && p.x < r.x + r.width && p.y > r.y && p.y < r.y + r.height;
}

function within(a: Rect, b: Rect): boolean {
  return a.x >= b.x && a.x + a.width <= b.x + b.width && a.y >= b.y && a.y + a.height <= b.y + b.height;
}

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
