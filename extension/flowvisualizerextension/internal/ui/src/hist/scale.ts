// The histogram's arithmetic: allowed grows up from the axis, denied down, each
// on a scale of its own, since refusals are few beside what is allowed.

import { scaleLinear, type ScaleLinear } from "d3-scale";
import type { Bucket } from "../api/types";
import type { Range } from "../state/range";

export const plot = { left: 58, right: 36, top: 18, axis: 54, denyTop: 55.5, bottom: 70, height: 88 };

export interface Bar {
  start: number;
  x: number;
  width: number;
  allow: { y: number; height: number };
  deny: { y: number; height: number };
  bucket: Bucket;
}

export interface Bars {
  x: ScaleLinear<number, number>;
  bars: Bar[];
  maxAllow: number;
  maxDeny: number;
}

/** The smallest of 1, 2, 3, 5 × 10ⁿ that is not below n; at least least. */
export function niceMax(n: number, least: number): number {
  if (n <= least) return least;
  const unit = 10 ** Math.floor(Math.log10(n));
  return ([1, 2, 3, 5, 10].find((m) => m * unit >= n) ?? 10) * unit;
}

export function layBars(buckets: readonly Bucket[], stepMs: number, domain: Range, width: number): Bars {
  const x = scaleLinear([domain.from, domain.to], [plot.left + 2, Math.max(plot.left + 3, width - plot.right - 26)]);
  const maxAllow = niceMax(Math.max(0, ...buckets.map((b) => b.allow.connections)), 4);
  const maxDeny = niceMax(Math.max(0, ...buckets.map((b) => b.deny.connections)), 4);
  const up = scaleLinear([0, maxAllow], [0, plot.axis - plot.top]);
  const down = scaleLinear([0, maxDeny], [0, plot.bottom - plot.denyTop]);
  const [low, high] = x.range() as [number, number];
  const bars = buckets.flatMap((bucket) => {
    const start = Date.parse(bucket.start);
    const from = Math.max(low, x(start));
    const to = Math.min(high, x(start + stepMs));
    if (to - from < 0.3) return [];
    const gap = to - from > 4 ? 2 : to - from > 2 ? 0.5 : 0;
    const a = sliver(up(bucket.allow.connections));
    const d = sliver(down(bucket.deny.connections));
    return [{ start, x: from, width: to - from - gap, allow: { y: plot.axis - a, height: a }, deny: { y: plot.denyTop, height: d }, bucket }];
  });
  return { x, bars, maxAllow, maxDeny };
}

/** Bars side by side in which something was lost. */
export interface LossRun {
  start: number;
  x: number;
  width: number;
  lost: number;
}

export function lossRuns(bars: readonly Bar[]): LossRun[] {
  const runs: LossRun[] = [];
  bars.forEach((b, i) => {
    const { lost } = b.bucket;
    if (lost === 0) return;
    const last = i > 0 && bars[i - 1]!.bucket.lost > 0 ? runs.at(-1) : undefined;
    if (last) Object.assign(last, { width: b.x + b.width - last.x, lost: last.lost + lost });
    else runs.push({ start: b.start, x: b.x, width: b.width, lost });
  });
  return runs;
}

/** What is there at all is at least a pixel high. */
function sliver(height: number): number {
  return height > 0 ? Math.max(1, height) : 0;
}

const steps = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000,
  43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000,
];

/** Ticks at round local times, about one per 120 px. */
export function ticks(domain: Range, width: number): { at: number[]; step: number } {
  const want = (domain.to - domain.from) / Math.max(2, Math.floor(width / 120));
  const step = steps.find((s) => s >= want) ?? steps.at(-1)!;
  const zone = new Date(domain.from).getTimezoneOffset() * 60_000;
  const at: number[] = [];
  for (let t = Math.ceil((domain.from - zone) / step) * step + zone; t <= domain.to; t += step) at.push(t);
  return { at, step };
}

/** A brushed pair of pixels as whole buckets; undefined when it is a click. */
export function brushed(bars: Bars, a: number, b: number, stepMs: number, domain: Range): Range | undefined {
  if (Math.abs(a - b) < 3) return undefined;
  const snap = (px: number, round: (v: number) => number) => round(bars.x.invert(px) / stepMs) * stepMs;
  const from = Math.max(snap(Math.min(a, b), Math.floor), domain.from);
  const to = Math.min(snap(Math.max(a, b), Math.ceil), domain.to);
  return to > from ? { from, to } : undefined;
}
