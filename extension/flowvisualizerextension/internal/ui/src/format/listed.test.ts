import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { first, others, told } from "./listed";
import { attributeOf, isCompanion, listings } from "./listings";

const documented = readFileSync(new URL("../../../../../../docs/fields.md", import.meta.url), "utf8");

it("knows the lists and counts that the registry has, and no others", () => {
  const lines = documented.split("\n");
  const named = (pattern: RegExp) => Object.fromEntries(lines.flatMap((l) => { const m = pattern.exec(l); return m ? [[m[2]!, m[1]!]] : []; }));
  const lists = named(/^\| `([^`]+)` .*\| Values of (\S+) in the records that were merged/);
  const counts = named(/^\| `([^`]+)` .*\| Distinct values of (\S+) in the records that were merged/);
  expect(Object.keys(counts).length).toBeGreaterThan(0);
  expect(listings).toEqual(Object.fromEntries(Object.entries(counts).map(([of, count]) => [of, { list: lists[of] ?? of, count }])));
});

it("knows which attribute a list is of, and that it is no attribute of its own", () => {
  expect(["source.addresses", "source.address", "destination.domains"].map(attributeOf)).toEqual(["source.address", "source.address", "destination.domains"]);
  expect(["source.addresses", "source.address_count", "source.address", "destination.domains", "destination.domain_count"].map(isCompanion)).toEqual([true, true, false, false, true]);
});

describe("what a record says of an attribute", () => {
  const list = { "source.addresses": ["10.0.0.7", "10.0.0.8"], "source.address_count": 1200 };
  it.each([
    ["alone", { "source.address": "10.0.0.7" }, "10.0.0.7", ""],
    ["in a list that has them all", { "source.addresses": ["10.0.0.7", "10.0.0.8"] }, "10.0.0.7", "+1 more"],
    ["in a list and a count", list, "10.0.0.7", "+1,199 more"],
    ["in a list and an estimate", { ...list, "flow.aggregation.estimated": ["source.address_count"] }, "10.0.0.7", "+≈1,199 more"],
    ["in a list and another's estimate", { ...list, "flow.aggregation.estimated": ["source.port_count"] }, "10.0.0.7", "+1,199 more"],
    ["in a count alone", { "source.address_count": 12 }, undefined, "+11 more"],
  ])("%s", (_, flow, value, more) => {
    const t = told(flow, "source.address")!;
    expect([first(t), others(t, 1)]).toEqual([value, more]);
  });
  it("of a number in a list", () => expect(told({ "destination.ports": ["443", "80"] }, "destination.port")?.values).toEqual(["443", "80"]));
  it("of names that are a list by themselves", () => expect(told({ "destination.domains": ["a.example"], "destination.domain_count": 3 }, "destination.domains")).toEqual({ values: ["a.example"], more: 2, about: false }));
  it("is nothing where there is neither", () => expect(told({ "source.port": 80 }, "source.address")).toBeUndefined());
});
