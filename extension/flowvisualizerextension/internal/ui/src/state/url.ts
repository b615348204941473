// Everything a person sees, except the theme, is in the URL, so that a copied
// link shows the same screen. Defaults are left out.

import type { Chip } from "../filter/chips";
import { parse, serialise } from "../filter/grammar";
import type { LevelId } from "../map/entity";
import { levelIds } from "../map/levels";
import { formatSpan, parseSpan, type Range, type Time, usualSpan } from "./range";

export type Selection =
  | { kind: "node"; id: string }
  | { kind: "edge"; from: string; to: string }
  | { kind: "flow"; id: string }
  | { kind: "capture" };

export interface View {
  tab: "map" | "flows";
  /** null for the one that suits what was recorded. */
  level: LevelId | null;
  time: Time;
  /** A part of the range chosen in the histogram; it narrows all but the histogram. */
  brush: Range | null;
  chips: Chip[];
  selection: Selection | null;
  /** An entity whose neighbours alone are drawn. */
  focus: string | null;
  /** Folded groups that were opened. */
  unfolded: string[];
  /** Columns of the table; null for the usual ones. */
  columns: string[] | null;
  /** Pixels, of the columns whose width a person has set. */
  widths: Record<string, number>;
  drawer: boolean;
  /** The panel when nothing is selected; null opens it where there is room. */
  panel: boolean | null;
}

export const initial: View = {
  tab: "map",
  level: null,
  time: { kind: "live", span: usualSpan, chosen: false },
  brush: null,
  chips: [],
  selection: null,
  focus: null,
  unfolded: [],
  columns: null,
  widths: {},
  drawer: true,
  panel: null,
};

/** The search part of the URL, without "?", "" for the initial view. */
export function encode(v: View): string {
  const p = new URLSearchParams();
  if (v.tab !== initial.tab) p.set("view", v.tab);
  if (v.level !== null) p.set("level", v.level);
  if (v.time.chosen) p.set("last", formatSpan(v.time.span));
  if (v.time.kind === "fixed") {
    p.set("from", iso(v.time.from));
    p.set("to", iso(v.time.to));
  }
  if (v.brush) p.set("brush", `${iso(v.brush.from)}~${iso(v.brush.to)}`);
  for (const c of v.chips) p.append(c.off ? "off" : "f", serialise(c.expr));
  if (v.selection) p.set("sel", encodeSelection(v.selection));
  if (v.focus) p.set("focus", v.focus);
  for (const id of v.unfolded) p.append("open", id);
  if (v.columns) p.set("cols", v.columns.join(","));
  const widths = Object.entries(v.widths).map(([id, px]) => `${id}:${px}`);
  if (widths.length > 0) p.set("widths", widths.join(","));
  if (!v.drawer) p.set("drawer", "0");
  if (v.panel !== null) p.set("panel", v.panel ? "1" : "0");
  return p
    .toString()
    .replace(/%3A/g, ":")
    .replace(/%2F/g, "/")
    .replace(/%2C/g, ",")
    .replace(/%40/g, "@");
}

/** The inverse of encode. What cannot be read is left at its default. */
export function decode(search: string): View {
  const p = new URLSearchParams(search);
  const asked = parseSpan(p.get("last") ?? "");
  const span = { span: asked ?? usualSpan, chosen: asked !== undefined };
  const from = Date.parse(p.get("from") ?? "");
  const to = Date.parse(p.get("to") ?? "");
  const level = p.get("level");
  return {
    tab: p.get("view") === "flows" ? "flows" : "map",
    level: levelIds.find((l) => l === level) ?? initial.level,
    time: from < to ? { kind: "fixed", from, to, ...span } : { kind: "live", ...span },
    brush: decodeBrush(p.get("brush")),
    chips: decodeChips(p),
    selection: decodeSelection(p.get("sel")),
    focus: p.get("focus"),
    unfolded: p.getAll("open"),
    columns: p.has("cols") ? p.get("cols")!.split(",").filter(Boolean) : null,
    widths: decodeWidths(p.get("widths")),
    drawer: p.get("drawer") !== "0",
    panel: p.has("panel") ? p.get("panel") !== "0" : null,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function decodeBrush(text: string | null): Range | null {
  const [from, to] = (text ?? "").split("~").map((t) => Date.parse(t));
  return from !== undefined && to !== undefined && from < to ? { from, to } : null;
}

function decodeWidths(text: string | null): Record<string, number> {
  const pairs = (text ?? "").split(",").map((pair) => /^([\w.]+):(\d{2,4})$/.exec(pair));
  return Object.fromEntries(pairs.flatMap((m) => (m ? [[m[1]!, Number(m[2])]] : [])));
}

function decodeChips(p: URLSearchParams): Chip[] {
  const chips: Chip[] = [];
  for (const [key, value] of p) {
    if (key !== "f" && key !== "off") continue;
    try {
      chips.push({ expr: parse(value), off: key === "off" });
    } catch {
      // A part that is not an expression cannot be shown as a chip nor be sent.
    }
  }
  return chips;
}

function encodeSelection(s: Selection): string {
  switch (s.kind) {
    case "node":
      return `node ${s.id}`;
    case "edge":
      return `edge ${s.from} > ${s.to}`;
    case "flow":
      return `flow ${s.id}`;
    case "capture":
      return "capture";
  }
}

function decodeSelection(text: string | null): Selection | null {
  if (text === "capture") return { kind: "capture" };
  const m = /^(node|edge|flow) (.+)$/.exec(text ?? "");
  if (!m) return null;
  const rest = m[2]!;
  if (m[1] === "node") return { kind: "node", id: rest };
  if (m[1] === "flow") return { kind: "flow", id: rest };
  const [from, to] = rest.split(" > ");
  return from && to ? { kind: "edge", from, to } : null;
}
