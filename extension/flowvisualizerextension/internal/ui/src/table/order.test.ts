import { describe, expect, it } from "vitest";
import { isBeside, moved, nearestGap } from "./order";

const ids = ["a", "b", "c", "d"];

describe("moving a column", () => {
  it.each([
    ["a", 2, "bacd"],
    ["a", 4, "bcda"],
    ["d", 0, "dabc"],
    ["c", 1, "acbd"],
    ["b", 1, "abcd"],
    ["b", 2, "abcd"],
  ])("%s into gap %i gives %s", (id, gap, want) => expect(moved(ids, id, gap).join("")).toBe(want));
  it("changes nothing in the gaps beside it, and only there", () => {
    for (const id of ids) for (let gap = 0; gap <= ids.length; gap++) expect(isBeside(ids, id, gap), `${id} ${gap}`).toBe(moved(ids, id, gap).join() === ids.join());
  });
});

describe("the nearest gap", () => {
  it.each([[-50, 0], [40, 0], [60, 1], [149, 1], [151, 2], [900, 3]])("to %i is %i", (x, want) => expect(nearestGap([0, 100, 200, 300], x)).toBe(want));
});
