import { describe, expect, it } from "vitest";
import { madeOf } from "./made";

describe("what a record was made of", () => {
  it.each<[Record<string, string | number>, string | undefined, RegExp]>([
    [{}, undefined, /^$/],
    [{ "flow.aggregation.level": "2", "flow.aggregation.records": 142 }, "142", /^Made of: 142 records, workload and port level$/],
    [{ "flow.aggregation.level": "3", "flow.aggregation.records": 1 }, "1", /^Made of: 1 record, workload level$/],
    [{ "flow.aggregation.level": "keys", "flow.aggregation.records": 3 }, "3", /configured/],
    [{ "flow.aggregation.level": "overflow", "flow.aggregation.records": 31, "flow.folded": 31 }, "overflow", /^Overflow: 31 records that memory had no room to tell apart/],
    [{ "flow.folded": 12 }, "folded", /^Folded: 12 records that were more than the pipeline took/],
    [{ "flow.aggregation.level": "2", "flow.aggregation.records": 4, "flow.folded": 12 }, "4, folded", /^Made of: 4 records.*\nFolded: 12 records/],
    [{ "flow.sampling.rate": 10 }, "1 of 10", /^Sampled: 1 of 10 flows/],
    [{ "flow.aggregation.level": "2", "flow.aggregation.records": 142, "flow.sampling.rate": 10 }, "142, 1 of 10", /Made of.*\nSampled/],
  ])("%j is %s", (flow, short, said) => {
    const made = madeOf(flow);
    expect(made && [made.records, ...made.words].filter((part) => part !== undefined).join(", ")).toBe(short);
    expect((made?.lines ?? []).map(([about, words]) => `${about}: ${words}`).join("\n")).toMatch(said);
  });
});
