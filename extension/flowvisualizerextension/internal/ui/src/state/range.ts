// The chosen time: a span that ends now and moves (live), or two fixed instants.

export type Time = ({ kind: "live" } | { kind: "fixed"; from: number; to: number }) & {
  /** How much live shows, or will show when it is returned to. */
  span: number;
  /** Whether the span was chosen by a person; if not, it follows the recording. */
  chosen: boolean;
};

export interface Range {
  from: number;
  to: number;
}

export const presets = [
  { span: 60_000, label: "Last minute" },
  { span: 5 * 60_000, label: "Last 5 min" },
  { span: 15 * 60_000, label: "Last 15 min" },
  { span: 60 * 60_000, label: "Last hour" },
  { span: 6 * 3_600_000, label: "Last 6 hours" },
  { span: 24 * 3_600_000, label: "Last 24 hours" },
  { span: 7 * 86_400_000, label: "Last 7 days" },
] as const;

/** The span that nobody has to choose. */
export const usualSpan = 15 * 60_000;

/** The span for a recording of this length: the shortest preset that shows all of it, until that is the usual one. */
export function spanFor(recorded: number): number {
  return presets.find((p) => p.span >= Math.min(recorded, usualSpan))!.span;
}

const shortest = 1000;
const longest = 366 * 86_400_000;

export function rangeOf(time: Time, now: number): Range {
  return time.kind === "live" ? { from: now - time.span, to: now } : { from: time.from, to: time.to };
}

export function pause(time: Time, now: number): Time {
  return time.kind === "fixed" ? time : { kind: "fixed", ...rangeOf(time, now), span: time.span, chosen: time.chosen };
}

export function resume(time: Time): Time {
  return { kind: "live", span: time.span, chosen: time.chosen };
}

/** Steps by one whole range; past the present it stops at now. */
export function page(time: Time, direction: -1 | 1, now: number): Time {
  const r = rangeOf(time, now);
  const width = r.to - r.from;
  const to = Math.min(r.to + direction * width, now);
  return { kind: "fixed", from: to - width, to, span: time.span, chosen: time.chosen };
}

/** Halves or doubles the range about its middle, keeping its end in the past. */
export function zoom(time: Time, factor: number, now: number): Time {
  if (time.kind === "live") return { kind: "live", span: clamp(time.span * factor), chosen: true };
  const width = clamp((time.to - time.from) * factor);
  const to = Math.min((time.from + time.to + width) / 2, Math.max(now, time.to));
  return { kind: "fixed", from: Math.round(to - width), to: Math.round(to), span: time.span, chosen: time.chosen };
}

function clamp(span: number): number {
  return Math.round(Math.min(longest, Math.max(shortest, span)));
}

const units: [string, number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];

/** A span as "15m"; whole seconds. */
export function formatSpan(ms: number): string {
  const [unit, size] = units.find(([, u]) => ms % u === 0) ?? ["s", 1000];
  return `${Math.round(ms / (size as number))}${unit}`;
}

export function parseSpan(text: string): number | undefined {
  const m = /^(\d{1,9})([smhd])$/.exec(text);
  if (!m) return undefined;
  const ms = Number(m[1]) * units.find(([u]) => u === m[2])![1];
  return ms >= shortest && ms <= longest ? ms : undefined;
}
