import { describe, expect, it } from "vitest";
import type { Bucket } from "../api/types";
import { brushed, layBars, lossRuns, niceMax, plot, ticks } from "./scale";

const t0 = Date.parse("2026-05-04T14:00:00.000Z");
const bucket = (i: number, allow: number, deny: number): Bucket => ({
  start: new Date(t0 + i * 1000).toISOString(),
  allow: { connections: allow, bytes: 0, records: 0 },
  deny: { connections: deny, bytes: 0, records: 0 },
  lost: 0,
});
const domain = { from: t0, to: t0 + 10_000 };
const lay = (buckets: Bucket[]) => layBars(buckets, 1000, domain, 1080);

it("marks a loss once that goes on over several bars", () => {
  const lost = [0, 5, 7, 0, 2].map((n, i) => ({ ...bucket(i, 1, 0), lost: n }));
  const { bars } = lay(lost);
  expect(lossRuns(bars)).toEqual([
    { start: bars[1]!.start, x: bars[1]!.x, width: bars[2]!.x + bars[2]!.width - bars[1]!.x, lost: 12 },
    { start: bars[4]!.start, x: bars[4]!.x, width: bars[4]!.width, lost: 2 },
  ]);
});

describe("bars", () => {
  it("grow up and down, each on its own scale", () => {
    const { bars, maxAllow, maxDeny } = lay([bucket(0, 2000, 3), bucket(1, 1000, 0)]);
    expect([maxAllow, maxDeny]).toEqual([2000, 4]);
    expect(bars[0]!.allow).toEqual({ y: plot.top, height: plot.axis - plot.top });
    expect(bars[1]!.allow.height).toBeCloseTo((plot.axis - plot.top) / 2);
    expect(bars[0]!.deny.height).toBeCloseTo(((plot.bottom - plot.denyTop) * 3) / 4);
    expect(bars[1]!.deny.height).toBe(0);
  });
  it("show a single connection beside a thousand", () => {
    expect(lay([bucket(0, 1000, 0), bucket(1, 1, 0)]).bars[1]!.allow.height).toBe(1);
  });
  it("stay inside the plot when buckets reach over its edges", () => {
    const { bars, x } = lay([bucket(-1, 1, 0), bucket(9, 1, 0), bucket(10, 1, 0), bucket(20, 1, 0)]);
    const [left, right] = x.range() as [number, number];
    expect(bars).toHaveLength(1);
    expect(bars[0]!.x).toBeGreaterThanOrEqual(left);
    expect(bars[0]!.x + bars[0]!.width).toBeLessThanOrEqual(right);
  });
  it.each([[0, 4], [4, 4], [7, 10], [11, 20], [23, 30], [31, 50], [51, 100], [1000, 1000], [1001, 2000]])("the scale for %d ends at %d", (n, want) => expect(niceMax(n, 4)).toBe(want));
});

describe("brushed", () => {
  const bars = lay([bucket(0, 1, 0)]);
  it("takes whole buckets", () => {
    expect(brushed(bars, bars.x(t0 + 2300), bars.x(t0 + 4600), 1000, domain)).toEqual({ from: t0 + 2000, to: t0 + 5000 });
    expect(brushed(bars, bars.x(t0 + 4600), bars.x(t0 + 2300), 1000, domain)).toEqual({ from: t0 + 2000, to: t0 + 5000 });
  });
  it("is nothing for a click", () => expect(brushed(bars, 300, 301, 1000, domain)).toBeUndefined());
  it("ends with the range", () => expect(brushed(bars, bars.x(t0 + 8500), 5000, 1000, domain)).toEqual({ from: t0 + 8000, to: t0 + 10_000 }));
});

describe("ticks", () => {
  it("stand at round times inside the range", () => {
    const { at, step } = ticks({ from: t0 + 1, to: t0 + 900_000 }, 960);
    expect(step).toBe(120_000);
    expect(at.every((t) => t % step === 0 && t > t0 && t <= t0 + 900_000)).toBe(true);
    expect(at).toHaveLength(7);
  });
});
