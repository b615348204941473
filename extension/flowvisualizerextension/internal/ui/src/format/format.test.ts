import { describe, expect, it } from "vitest";
import { bytes, clock, count, counted, micros, range, short, span, tick } from "./format";
import { portLabel } from "./services";

describe("format", () => {
  it.each([[0, "0 B"], [60, "60 B"], [999, "999 B"], [1000, "1.00 kB"], [18_000, "18.0 kB"], [212_000, "212 kB"], [999_600, "1.00 MB"], [1_730_000_000, "1.73 GB"], [5e18, "5000 PB"]])("%d bytes are %s", (n, want) => expect(bytes(n)).toBe(want));
  it.each([[0, "0"], [312, "312"], [42_352, "42,352"], [999_999, "999,999"], [1_240_000, "1.24 M"]])("%d is counted as %s", (n, want) => expect(count(n)).toBe(want));
  it.each([[4, "4"], [12, "12"], [400, "400"], [1200, "1.2k"], [20_000, "20k"], [3e6, "3M"], [1.05e6, "1.05M"]])("an axis names %d %s", (n, want) => expect(short(n)).toBe(want));
  it.each([[1, "1 flow"], [2, "2 flows"], [0, "0 flows"]])("%d with its noun", (n, want) => expect(counted(n, "flow")).toBe(want));
  it.each([[50, "50 µs"], [1200, "1.2 ms"], [1250, "1.25 ms"], [48_000, "48.0 ms"], [250_000, "250 ms"], [2_050_000, "2.05 s"]])("%d µs are %s", (n, want) => expect(micros(n)).toBe(want));
  it.each([[1000, "1 second"], [48_000, "48 seconds"], [120_000, "2 min"], [12_600_000, "3.5 h"], [604_800_000, "7 days"]])("%d ms last %s", (n, want) => expect(span(n)).toBe(want));
  it("writes local times", () => {
    const at = new Date(2026, 4, 4, 14, 30, 0, 212).getTime();
    expect(clock(at)).toBe("14:30:00.212");
    expect(tick(at, 1000)).toBe("14:30:00");
    expect(tick(at, 60_000)).toBe("14:30");
    expect(tick(at, 86_400_000)).toBe("05-04");
    expect(range(at, at + 3_600_000)).toBe("05-04 14:30 – 05-04 15:30");
  });
  it("names known ports", () => {
    expect(portLabel(443)).toBe("https");
    expect(portLabel(8123)).toBe(":8123");
  });
});
