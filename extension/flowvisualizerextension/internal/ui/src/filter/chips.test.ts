import { describe, expect, it } from "vitest";
import { add, parseChips, parts, query, valueFilter } from "./chips";
import { entityFilter } from "../map/entity";
import { any, cond, serialise } from "./grammar";

const chip = (text: string, off = false) => ({ ...parseChips(text)[0]!, off });

describe("query", () => {
  it("is empty without chips", () => expect(query([])).toBe(""));
  it("joins what is on with and", () => {
    expect(query([chip("destination.port = 443"), chip("source.scope = public", true), chip("flow.action = deny")])).toBe("destination.port = 443 and flow.action = deny");
  });
  it("brackets an alternative", () => {
    expect(query([chip("a = 1 or b = 2"), chip("c = 3")])).toBe("(a = 1 or b = 2) and c = 3");
  });
  it("adds what is asked for beside the chips", () => {
    expect(query([chip("a = 1")], cond("flow.action", "!=", "deny"))).toBe("a = 1 and flow.action != deny");
  });
});

describe("parseChips", () => {
  it("makes one chip of each part joined with and", () => {
    expect(parseChips("a = 1 and b = 2 and (c = 3 or d = 4)").map((c) => serialise(c.expr))).toEqual(["a = 1", "b = 2", "c = 3 or d = 4"]);
  });
  it.each([
    ["process = sshd", "either.process.executable.name = sshd"],
    ["not port = 22", "not destination.port = 22"],
    ["namespace = shop", "either.k8s.namespace.name = shop"],
    ["address = 10.0.0.1 or verdict = deny", "either.address = 10.0.0.1 or flow.action = deny"],
  ])("spells out %s", (typed, want) => {
    expect(serialise(parseChips(typed)[0]!.expr)).toBe(want);
  });
});

describe("add", () => {
  it("adds a part once and switches on one that was off", () => {
    const one = cond("a", "=", "1");
    expect(add([chip("a = 1", true)], one)).toEqual([{ expr: one, off: false }]);
    expect(add([chip("a = 1")], cond("a", "=", "2"))).toHaveLength(2);
  });
});

describe("valueFilter", () => {
  it.each([
    ["443", false, "destination.port = 443"],
    ["443", true, "destination.port != 443"],
    [undefined, false, "destination.port not exists"],
    [undefined, true, "destination.port exists"],
  ])("for %s, exclude %s", (value, exclude, want) => {
    expect(serialise(valueFilter("destination.port", value, exclude))).toBe(want);
  });
});

describe("parts", () => {
  it("splits the either prefix off and shows operators as signs", () => {
    expect(parts(cond("either.address", "not in", "10.0.0.0/8", "::1"))).toEqual({ either: true, field: "address", op: "∉", value: "10.0.0.0/8, ::1" });
    expect(parts(cond("destination.port", "!=", "53"))).toEqual({ either: false, field: "destination.port", op: "≠", value: "53" });
  });
  it("names the entity that several conditions look for", () => {
    expect(parts(entityFilter("w:shop/Deployment/cart", "either")!)).toEqual({ either: true, field: "workload", op: "=", value: "cart in shop" });
    expect(parts(entityFilter("node:node-a", "source")!)).toEqual({ either: false, field: "source node", op: "=", value: "node-a" });
    expect(parts({ kind: "not", item: entityFilter("pod:shop/cart-1", "either")! })).toEqual({ either: true, field: "pod", op: "≠", value: "cart-1 in shop" });
    expect(parts(cond("either.k8s.namespace.name", "=", "shop"))).toEqual({ either: true, field: "namespace", op: "=", value: "shop" });
  });
  it("has none for an alternative", () => expect(parts(any(cond("a", "=", "1"), cond("b", "=", "2"))!)).toBeUndefined());
});
