import { describe, expect, it } from "vitest";
import { coarseInWords, coarseOf } from "./coarse";

describe("what is told less apart", () => {
  const group = (key: Record<string, string | number>, records: number, sums: Record<string, number> = {}) => ({ key, records, sums });
  it.each([
    ["nothing", [], undefined],
    ["folded", [group({}, 2, { "flow.folded": 40 })], "40 records were folded together:"],
    ["overflow, whether or not it says how many it folded", [group({ "flow.aggregation.level": "overflow" }, 2, { "flow.folded": 0, "flow.aggregation.records": 30 }), group({}, 1, { "flow.folded": 1 })], "31 records were folded together:"],
    ["a sample", [group({ "flow.sampling.rate": 10 }, 1)], "1 record is a sample, 1 of 10:"],
    ["samples of several rates", [group({ "flow.sampling.rate": 100 }, 5), group({ "flow.sampling.rate": 10 }, 2)], "7 records are samples, 1 of 10 to 1 of 100:"],
    ["both", [group({ "flow.sampling.rate": 10 }, 2), group({}, 1, { "flow.folded": 3 })], "3 records were folded together and 2 records are samples, 1 of 10:"],
  ])("%s", (_, groups, want) => expect(coarseInWords(coarseOf(groups))?.[0]).toBe(want));
});
