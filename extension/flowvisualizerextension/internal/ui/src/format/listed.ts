// What a record says of an attribute: its value or, in one that stands for
// several, a list of values, those with most bytes first.

import type { Flow } from "../api/types";
import { count } from "./format";
import { listings } from "./listings";

export interface Told {
  /** All that the record names. */
  values: readonly string[];
  /** How many there are besides. */
  more: number;
  /** more is an estimate. */
  about: boolean;
}

/** What a record says of an attribute; undefined where it says nothing. */
export function told(f: Flow, field: string): Told | undefined {
  const alone = f[field];
  if (alone !== undefined && !Array.isArray(alone)) return { values: [String(alone)], more: 0, about: false };
  const listing = listings[field];
  const list = alone ?? (listing && f[listing.list]);
  const all = listing && f[listing.count];
  if (list === undefined && all === undefined) return undefined;
  const values = Array.isArray(list) ? list : [];
  const estimated = f["flow.aggregation.estimated"];
  return { values, more: Math.max(0, Number(all ?? 0) - values.length), about: listing !== undefined && Array.isArray(estimated) && estimated.includes(listing.count) };
}

/** The first value alone: "10.0.0.7"; undefined where none is named. */
export const first = (t: Told | undefined): string | undefined => t?.values[0];

/** How many there are besides those that are shown: "+3 more", "+≈1,200 more"; "" for none. */
export function others(t: Told, shown: number): string {
  const n = t.values.length + t.more - shown;
  return n > 0 ? `+${t.about ? "≈" : ""}${count(n)} more` : "";
}
