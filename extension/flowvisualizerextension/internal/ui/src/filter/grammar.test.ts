import { describe, expect, it } from "vitest";
import { all, any, cond, type Expr, FilterError, ops, parse, quote, serialise } from "./grammar";

describe("parse", () => {
  const good: [string, Expr][] = [
    ["destination.port = 443", cond("destination.port", "=", "443")],
    ["destination.port=443", cond("destination.port", "=", "443")],
    ["source.address in (10.0.0.0/8, ::1)", cond("source.address", "in", "10.0.0.0/8", "::1")],
    ["source.address not in (10.0.0.0/8)", cond("source.address", "not in", "10.0.0.0/8")],
    ["source.process.executable.name ~ chrom", cond("source.process.executable.name", "~", "chrom")],
    ["flow.deny.reason exists", cond("flow.deny.reason", "exists")],
    ["flow.deny.reason not exists", cond("flow.deny.reason", "not exists")],
    ['a.b = "x \\"y\\" \\\\ z"', cond("a.b", "=", 'x "y" \\ z')],
    ['a.b = "and"', cond("a.b", "=", "and")],
    ["a = and", cond("a", "=", "and")],
    ["a = 1 and b = 2 or c = 3", { kind: "or", items: [{ kind: "and", items: [cond("a", "=", "1"), cond("b", "=", "2")] }, cond("c", "=", "3")] }],
    ["a = 1 and (b = 2 or c = 3)", { kind: "and", items: [cond("a", "=", "1"), { kind: "or", items: [cond("b", "=", "2"), cond("c", "=", "3")] }] }],
    ["not a = 1 and b = 2", { kind: "and", items: [{ kind: "not", item: cond("a", "=", "1") }, cond("b", "=", "2")] }],
    ["not (a = 1)", { kind: "not", item: cond("a", "=", "1") }],
  ];
  it.each(good)("reads %s", (text, want) => {
    expect(parse(text)).toEqual(want);
  });

  const bad: [string, number, RegExp][] = [
    ["", 0, /field name/],
    ["a", 1, /operator/],
    ["a =", 3, /value/],
    ["a = 1 b = 2", 6, /"and", "or"/],
    ["a = 1 and", 9, /field name/],
    ["a in 1", 5, /starts with/],
    ["a in (1", 7, /ends with/],
    ["(a = 1", 6, /close/],
    ['a = "x', 4, /no end/],
    ['a = "\\x"', 6, /after/],
    ["a not = 1", 6, /after "not"/],
    ["a = ü", 4, /quotes/],
    ["and = 1", 0, /field name/],
  ];
  it.each(bad)("refuses %j at %i", (text, offset, message) => {
    const e = (() => {
      try {
        parse(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(e).toBeInstanceOf(FilterError);
    expect((e as FilterError).offset).toBe(offset);
    expect((e as FilterError).message).toMatch(message);
  });
});

describe("serialise", () => {
  it.each([
    ["443", "443"],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["", '""'],
    ["or", '"or"'],
    ["two words", '"two words"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["größe", '"größe"'],
  ])("quotes %j as %s", (value, want) => {
    expect(quote(value)).toBe(want);
  });

  it("puts brackets only where the order needs them", () => {
    const a = cond("a", "=", "1");
    const b = cond("b", "=", "2");
    expect(serialise(all(any(a, b), a)!)).toBe("(a = 1 or b = 2) and a = 1");
    expect(serialise(any(all(a, b)!, a)!)).toBe("a = 1 and b = 2 or a = 1");
    expect(serialise({ kind: "not", item: any(a, b)! })).toBe("not (a = 1 or b = 2)");
    expect(serialise({ kind: "not", item: a })).toBe("not a = 1");
  });

  it("gives text that parses back to the same tree, for 2,000 random trees", () => {
    const next = random(42);
    for (let i = 0; i < 2000; i++) {
      const tree = randomTree(next, 3);
      const text = serialise(tree);
      expect(parse(text), text).toEqual(tree);
      expect(serialise(parse(text))).toBe(text);
    }
  });
});

function random(seed: number): (n: number) => number {
  let a = seed;
  return (n) => {
    a = (Math.imul(a, 1664525) + 1013904223) >>> 0;
    return Math.floor((a / 2 ** 32) * n);
  };
}

const alphabet = ["a", "Z", "0", ".", "/", ":", "-", " ", '"', "\\", "(", ")", ",", "=", "ä", "€", "😀", "not", "and"];

function randomTree(next: (n: number) => number, depth: number): Expr {
  const kind = depth === 0 ? 0 : next(5);
  if (kind === 1) return { kind: "not", item: randomTree(next, depth - 1) };
  if (kind === 2) return all(...Array.from({ length: 2 + next(2) }, () => randomTree(next, depth - 1)))!;
  if (kind === 3) return any(...Array.from({ length: 2 + next(2) }, () => randomTree(next, depth - 1)))!;
  const op = ops[next(ops.length)]!;
  const value = () => Array.from({ length: next(4) }, () => alphabet[next(alphabet.length)]).join("");
  const values = op.endsWith("exists") ? [] : op.endsWith("in") ? Array.from({ length: 1 + next(3) }, value) : [value()];
  return cond(["source.address", "either.port", "flow.action"][next(3)]!, op, ...values);
}
