import { describe, expect, it } from "vitest";
import { parseChips } from "../filter/chips";
import { entityFilter } from "../map/entity";
import { decode, encode, initial, type View } from "./url";

const from = Date.parse("2026-05-04T13:30:00.000Z");
const to = Date.parse("2026-05-04T14:30:00.250Z");

describe("encode", () => {
  it("leaves defaults out", () => expect(encode(initial)).toBe(""));
  it("keeps a link readable", () => {
    const v: View = { ...initial, chips: parseChips("either.address != 10.0.0.0/8"), time: { kind: "live", span: 3_600_000, chosen: true } };
    expect(encode(v)).toBe("last=1h&f=either.address+%21%3D+10.0.0.0/8");
  });
});

it("writes a filter for a workload as one part", () => {
  const v: View = { ...initial, chips: [{ expr: entityFilter("w:shop/Deployment/cart", "either")!, off: false }] };
  expect(new URLSearchParams(encode(v)).getAll("f")).toHaveLength(1);
  expect(decode(encode(v))).toEqual(v);
});

describe("decode", () => {
  const views: [string, View][] = [
    ["the initial view", initial],
    ["live", { ...initial, time: { kind: "live", span: 90_000, chosen: true } }],
    ["the usual span once it was chosen", { ...initial, time: { ...initial.time, chosen: true } }],
    ["a fixed range, before a span was chosen", { ...initial, time: { ...initial.time, kind: "fixed", from, to } }],
    ["a fixed range", { ...initial, time: { kind: "fixed", from, to, span: 60_000, chosen: true } }],
    ["a brushed part", { ...initial, time: { kind: "fixed", from, to, span: 900_000, chosen: true }, brush: { from: from + 1000, to: from + 5000 } }],
    [
      "filters, some switched off, in their order",
      { ...initial, chips: [...parseChips('a = "x & y = z"'), { ...parseChips("b in (1, 2)")[0]!, off: true }, ...parseChips("c = 3 or d = 4")] },
    ],
    ["a node", { ...initial, selection: { kind: "node", id: "p:my program > x" } }],
    ["an edge", { ...initial, selection: { kind: "edge", from: "p:chromium", to: "a:2001:db8::1" } }],
    ["a record", { ...initial, selection: { kind: "flow", id: "abc-1" } }],
    ["capture", { ...initial, selection: { kind: "capture" } }],
    ["the rest", { ...initial, tab: "flows", level: "address", focus: "p:curl", unfolded: ["internet-out", "local-in"], columns: ["time", "source.port"], widths: { port: 64, "source.process.executable.name": 300 }, drawer: false, panel: false }],
    ["a workload", { ...initial, level: "workload", selection: { kind: "node", id: "w:shop/Deployment/cart" }, unfolded: ["ns:shop-mid"] }],
    ["an edge to a named network", { ...initial, level: "namespace", selection: { kind: "edge", from: "ns:shop", to: "net:office vpn/2" } }],
    ["the level of a machine, where another is usual", { ...initial, level: "process" }],
    ["an opened panel", { ...initial, panel: true }],
  ];
  it.each(views)("gives back %s", (_, v) => {
    expect(decode(encode(v))).toEqual(v);
    expect(decode(`?${encode(v)}`)).toEqual(v);
  });

  it.each([
    ["level=galaxy", initial],
    ["last=soon", initial],
    ["from=2026-05-04T14:00:00Z&to=2026-05-04T13:00:00Z", initial],
    ["brush=x~y", initial],
    ["sel=star+1", initial],
    ["sel=edge+a", initial],
    ["f=not+an+expression", initial],
    ["widths=port,x:y,:80,time:1e9", initial],
    ["unknown=1", initial],
  ])("ignores %s", (search, want) => {
    expect(decode(search)).toEqual(want);
  });
});
