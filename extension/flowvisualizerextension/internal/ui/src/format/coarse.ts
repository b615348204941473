// What a choice of records tells less apart than it was asked to, or guesses.

import type { Group } from "../api/types";
import { count, counted } from "./format";

interface Coarse {
  /** Records that were added up without what tells them apart, by folding or overflow. */
  folded: number;
  /** Records that are samples, and of how many flows each. */
  sampled: number;
  rates: number[];
}

/** Sums of groups by level and rate of the records that say less than was asked for, or guess. */
export function coarseOf(groups: readonly Pick<Group, "key" | "records" | "sums">[]): Coarse {
  const coarse: Coarse = { folded: 0, sampled: 0, rates: [] };
  for (const { key, records, sums } of groups) {
    coarse.folded += sums["flow.folded"] || (key["flow.aggregation.level"] === "overflow" ? (sums["flow.aggregation.records"] ?? 0) : 0);
    const rate = key["flow.sampling.rate"];
    if (typeof rate !== "number") continue;
    coarse.sampled += records;
    if (!coarse.rates.includes(rate)) coarse.rates.push(rate);
  }
  coarse.rates.sort((a, b) => a - b);
  return coarse;
}

/** One sentence, its first part the one that matters; undefined when nothing is coarse. */
export function coarseInWords({ folded, sampled, rates }: Coarse): [bold: string, rest: string] | undefined {
  const by = rates.length === 1 ? `1 of ${count(rates[0]!)}` : `1 of ${count(rates[0] ?? 0)} to 1 of ${count(rates.at(-1) ?? 0)}`;
  const samples = `${counted(sampled, "record")} ${sampled === 1 ? "is a sample" : "are samples"}, ${by}`;
  const folding = folded > 0 ? `${counted(folded, "record")} ${folded === 1 ? "was" : "were"} folded together` : "";
  if (folded > 0 && sampled > 0) return [`${folding} and ${samples}:`, "ends and ports of the first are not known, numbers of the second are right on average only."];
  if (folded > 0) return [`${folding}:`, "there were more than could be told apart, so their ends and ports are not known; totals are exact."];
  return sampled > 0 ? [`${samples}:`, "their numbers are multiplied, and right on average only."] : undefined;
}
