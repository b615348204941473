// Numbers and times as people read them. Locale-independent, so that a
// screenshot or a pasted line reads the same everywhere.

/** Three significant digits with a decimal SI unit: "1.73 GB", "212 kB", "60 B". */
export function bytes(n: number): string {
  return `${scaled(n, ["", "k", "M", "G", "T", "P"], " ")}B`;
}

/** Thousands separated up to six digits, then scaled: "42,352", "1.24 M". */
export function count(n: number): string {
  if (Math.abs(n) < 1_000_000) return group(Math.round(n));
  return scaled(n, ["", "k", "M", "G", "T"], " ").trimEnd();
}

/** At most four characters, for axes: "12", "1.2k", "20k". */
export function short(n: number): string {
  return scaled(n, ["", "k", "M", "G", "T"], "").replace(/(\.\d*?)0+(\D|$)/, "$1$2").replace(/\.(\D|$)/, "$1");
}

function scaled(n: number, units: string[], gap: string): string {
  let i = 0;
  let v = n;
  while (Math.abs(v) >= 999.5 && i < units.length - 1) {
    v /= 1000;
    i++;
  }
  const digits = i === 0 ? (Number.isInteger(v) ? 0 : 1) : v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
  return `${v.toFixed(digits)}${gap}${units[i]}`;
}

function group(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count with its noun: "1 flow", "3,118 flows". */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Microseconds as "850 µs", "1.2 ms", "2.05 s". */
export function micros(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${trim(us / 1000)} ms`;
  return `${trim(us / 1_000_000)} s`;
}

function trim(v: number): string {
  return v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2).replace(/0$/, "");
}

/** How long, in the largest sensible unit: "48 seconds", "2 min", "3.5 h", "7 days". */
export function span(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 90) return s === 1 ? "1 second" : `${s} seconds`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 360) / 10} h`;
  return `${Math.round(s / 8640) / 10} days`;
}

const two = (n: number) => String(n).padStart(2, "0");

/** Local time of day with milliseconds, "14:30:00.212". */
export function clock(ms: number): string {
  return `${seconds(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;
}

/** Local time of day, "14:30:00". */
export function seconds(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** Local date, "2026-05-04". */
export function date(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** Local date and time. */
export function dateTime(ms: number): string {
  return `${date(ms)} ${seconds(ms)}`;
}

/** A tick label that says no more than the step needs. */
export function tick(ms: number, stepMs: number): string {
  if (stepMs < 60_000) return seconds(ms);
  if (stepMs < 86_400_000) return seconds(ms).slice(0, 5);
  return date(ms).slice(5);
}

/** "13:56 – 14:16", with seconds when short and dates when not on one day. */
export function range(from: number, to: number): string {
  const withDate = date(from) !== date(to) || date(to) !== date(Date.now());
  const text = (ms: number) => {
    const time = to - from < 600_000 ? seconds(ms) : seconds(ms).slice(0, 5);
    return withDate ? `${date(ms).slice(5)} ${time}` : time;
  };
  return `${text(from)} – ${text(to)}`;
}
