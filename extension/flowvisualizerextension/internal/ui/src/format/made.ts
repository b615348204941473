// In words, what a record was made of when it is not one flow's as it was seen.

import type { Flow } from "../api/types";
import { count, counted } from "./format";

const levels: Record<string, string> = {
  0: "alike in all that is told apart",
  1: "from all source ports",
  2: "workload and port level",
  3: "workload level",
  keys: "by the configured attributes",
};

export interface Made {
  /** How many records were merged, where that is what matters. */
  records?: number;
  /** What else there is to say in a row: "folded", "1 of 10". */
  words: string[];
  /** A line for each, with what it is about. */
  lines: [about: string, said: string][];
}

/** Whether a record was added up without what tells its flows apart. */
export const isFolded = (f: Flow): boolean => f["flow.folded"] !== undefined || f["flow.aggregation.level"] === "overflow";

/** Undefined for a record of one flow. */
export function madeOf(f: Flow): Made | undefined {
  const n = (name: string) => Number(f[name] ?? 0);
  const [records, folded, rate] = [n("flow.aggregation.records"), n("flow.folded"), n("flow.sampling.rate")];
  const level = f["flow.aggregation.level"];
  const made: Made = { words: [], lines: [] };
  const say = (word: string, about: string, said: string) => {
    made.words.push(word);
    made.lines.push([about, said]);
  };
  if (level === "overflow") {
    say("overflow", "Overflow", `${counted(records, "record")} that memory had no room to tell apart: only who saw them and what was done is known. Bytes, packets and connections are exact.`);
  } else {
    if (level !== undefined) {
      made.records = records;
      made.lines.push(["Made of", `${counted(records, "record")}, ${levels[String(level)] ?? String(level)}`]);
    }
    if (folded > 0) say("folded", "Folded", `${counted(folded, "record")} that were more than the pipeline took, without what tells them apart. Bytes, packets and connections are exact.`);
  }
  if (rate > 0) say(`1 of ${count(rate)}`, "Sampled", `1 of ${count(rate)} flows; what it counts is multiplied by ${count(rate)}, so that sums are right on average`);
  return made.lines.length > 0 ? made : undefined;
}
