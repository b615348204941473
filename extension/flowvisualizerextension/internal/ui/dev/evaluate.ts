// Filters flows in memory as the server's store does.

import type { Flow } from "../src/api/types.ts";
import type { Cond, Expr } from "../src/filter/grammar.ts";
import { listings } from "../src/format/listings.ts";

export function matches(e: Expr | undefined, f: Flow): boolean {
  if (!e) return true;
  switch (e.kind) {
    case "cond":
      return matchesCond(e, f);
    case "not":
      return !matches(e.item, f);
    case "and":
      return e.items.every((i) => matches(i, f));
    case "or":
      return e.items.some((i) => matches(i, f));
  }
}

const negative = new Set(["!=", "not in", "!~", "not exists"]);

function matchesCond(c: Cond, f: Flow): boolean {
  if (c.field.startsWith("either.")) {
    const rest = c.field.slice("either.".length);
    const both = [`source.${rest}`, `destination.${rest}`].map((name) => one(c, valueOf(f, name)));
    return negative.has(c.op) ? both.every(Boolean) : both.some(Boolean);
  }
  return one(c, valueOf(f, c.field));
}

/** The value in its own place or else those that are listed. */
function valueOf(f: Flow, name: string): Flow[string] | number[] {
  if (f[name] !== undefined) return f[name];
  const list = f[listings[name]?.list ?? ""];
  return Array.isArray(list) && /\.(port|pid)$/.test(name) ? list.map(Number) : list;
}

function one(c: Cond, v: Flow[string] | number[]): boolean {
  if (v === undefined) return negative.has(c.op);
  if (Array.isArray(v)) return negative.has(c.op) ? v.every((w) => one(c, w)) : v.some((w) => one(c, w));
  if (typeof v === "object") return one(c, Object.entries(v).map(([key, value]) => `${key}=${value}`));
  const equal = (w: string) => (w.includes("/") && typeof v === "string" ? inPrefix(v, w) : String(v) === w);
  const compare = (w: string) => (typeof v === "number" ? v - Number(w) : String(v) < w ? -1 : String(v) > w ? 1 : 0);
  const [first = ""] = c.values;
  switch (c.op) {
    case "=": return equal(first);
    case "!=": return !equal(first);
    case "<": return compare(first) < 0;
    case "<=": return compare(first) <= 0;
    case ">": return compare(first) > 0;
    case ">=": return compare(first) >= 0;
    case "in": return c.values.some(equal);
    case "not in": return !c.values.some(equal);
    case "~": return String(v).toLowerCase().includes(first.toLowerCase());
    case "!~": return !String(v).toLowerCase().includes(first.toLowerCase());
    case "exists": return true;
    case "not exists": return false;
  }
}

function inPrefix(address: string, prefix: string): boolean {
  const [base, length] = prefix.split("/");
  const a = ipv4(address);
  const b = ipv4(base ?? "");
  if (a === undefined || b === undefined) return address === prefix;
  const shift = 2 ** (32 - Number(length));
  return Math.floor(a / shift) === Math.floor(b / shift);
}

function ipv4(text: string): number | undefined {
  const m = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  return m ? m.slice(1).reduce((n, part) => n * 256 + Number(part), 0) : undefined;
}
