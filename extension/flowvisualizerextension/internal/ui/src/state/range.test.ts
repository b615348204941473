import { describe, expect, it } from "vitest";
import { formatSpan, page, parseSpan, pause, presets, rangeOf, resume, spanFor, type Time, usualSpan, zoom } from "./range";

const now = 1_000_000_000;
const live: Time = { kind: "live", span: 60_000, chosen: true };

describe("time", () => {
  it("moves while live and stands when paused", () => {
    expect(rangeOf(live, now)).toEqual({ from: now - 60_000, to: now });
    const paused = pause(live, now);
    expect(rangeOf(paused, now + 5000)).toEqual({ from: now - 60_000, to: now });
    expect(resume(paused)).toEqual(live);
  });
  it("pages by one range and stops at the present", () => {
    const earlier = page(live, -1, now);
    expect(rangeOf(earlier, now)).toEqual({ from: now - 120_000, to: now - 60_000 });
    expect(rangeOf(page(earlier, 1, now), now)).toEqual({ from: now - 60_000, to: now });
    expect(rangeOf(page(page(earlier, 1, now), 1, now), now)).toEqual({ from: now - 60_000, to: now });
  });
  it("zooms about the middle, never past the present", () => {
    const fixed: Time = { kind: "fixed", from: now - 100_000, to: now - 60_000, span: 60_000, chosen: true };
    expect(rangeOf(zoom(fixed, 0.5, now), now)).toEqual({ from: now - 90_000, to: now - 70_000 });
    expect(rangeOf(zoom({ ...fixed, to: now }, 2, now), now).to).toBe(now);
    expect(zoom(live, 0.5, now)).toEqual({ kind: "live", span: 30_000, chosen: true });
    expect(zoom({ ...live, span: 1000 }, 0.5, now)).toEqual({ ...live, span: 1000 });
  });
});

describe("a span that nobody has chosen", () => {
  it.each([
    [0, "Last minute"], [1000, "Last minute"], [60_000, "Last minute"], [60_001, "Last 5 min"], [300_000, "Last 5 min"], [300_001, "Last 15 min"],
    [900_000, "Last 15 min"], [900_001, "Last 15 min"], [86_400_000, "Last 15 min"],
  ])("of a recording of %i ms is the %s", (recorded, want) => expect(presets.find((p) => p.span === spanFor(recorded))?.label).toBe(want));
  it("only grows, up to the usual one", () => {
    const spans = Array.from({ length: 1200 }, (_, s) => spanFor(s * 1000));
    expect(spans).toEqual([...spans].sort((a, b) => a - b));
    expect(spans.at(-1)).toBe(usualSpan);
  });
  it("stays so while time stands still or is paged, until it is zoomed", () => {
    const own: Time = { kind: "live", span: 60_000, chosen: false };
    expect(resume(page(pause(own, now), -1, now))).toEqual(own);
    expect(zoom(own, 2, now).chosen).toBe(true);
  });
});

describe("span", () => {
  it.each([["1s", 1000], ["90s", 90_000], ["15m", 900_000], ["1h", 3_600_000], ["36h", 129_600_000], ["7d", 604_800_000]])("reads and writes %s", (text, ms) => {
    expect(parseSpan(text)).toBe(ms);
    expect(formatSpan(ms)).toBe(text);
  });
  it.each(["", "m", "0s", "-1m", "1.5h", "1w", "1000000d"])("refuses %j", (text) => expect(parseSpan(text)).toBeUndefined());
});
