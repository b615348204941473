import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { uncertainty, uncertainWords } from "./uncertain";

it("has words for every reason that the registry knows", () => {
  const documented = readFileSync(new URL("../../../../../../docs/fields.md", import.meta.url), "utf8");
  const line = documented.split("\n").find((l) => l.startsWith("| `source.k8s.uncertain`"))!;
  const reasons = /One of ([^.]+)\./.exec(line)![1]!.replaceAll("`", "").split(", ");
  expect(Object.keys(uncertainWords).sort()).toEqual(reasons.sort());
});

it("says why, of the end that it is asked about", () => {
  const f = { "source.k8s.uncertain": ["ambiguous", "brand_new"], "destination.k8s.uncertain": [] };
  expect(uncertainty(f, "source")).toBe("several could be meant; brand new");
  expect(uncertainty(f, "destination")).toBeUndefined();
});
