// A chip is one part of the filter as the search bar shows it; the parts that
// are switched on, joined with and, are the query.

import { entityName, filteredEntity, kindOf, kinds } from "../map/entity";
import { all, cond, type Cond, type Expr, parse, serialise } from "./grammar";

export interface Chip {
  expr: Expr;
  off: boolean;
}

/** The query for the server, or "" when nothing is switched on. */
export function query(chips: readonly Chip[], ...more: (Expr | undefined)[]): string {
  const e = all(...chips.filter((c) => !c.off).map((c) => c.expr), ...more);
  return e ? serialise(e) : "";
}

/** Short names that may be typed for the fields people ask for most. */
export const shorthands: Record<string, string> = {
  process: "either.process.executable.name",
  address: "either.address",
  ip: "either.address",
  port: "destination.port",
  domain: "destination.domains",
  namespace: "either.k8s.namespace.name",
  workload: "either.k8s.workload.name",
  pod: "either.k8s.pod.name",
  node: "either.k8s.node.name",
  network: "either.network.name",
  service: "destination.k8s.service.name",
  verdict: "flow.action",
  action: "flow.action",
  reason: "flow.deny.reason",
  denial: "flow.deny.class",
};

/** Reads what was typed: shorthands are spelt out, and parts joined with and become chips of their own. */
export function parseChips(text: string): Chip[] {
  const e = spellOut(parse(text));
  const parts = e.kind === "and" ? e.items : [e];
  return parts.map((expr) => ({ expr, off: false }));
}

function spellOut(e: Expr): Expr {
  switch (e.kind) {
    case "cond":
      return { ...e, field: shorthands[e.field] ?? e.field };
    case "not":
      return { kind: "not", item: spellOut(e.item) };
    default:
      return { kind: e.kind, items: e.items.map(spellOut) };
  }
}

/** Adds a part; one that is there already is switched on instead. */
export function add(chips: readonly Chip[], ...parts: Expr[]): Chip[] {
  let next = [...chips];
  for (const expr of parts) {
    const text = serialise(expr);
    const at = next.findIndex((c) => serialise(c.expr) === text);
    if (at < 0) next = [...next, { expr, off: false }];
    else next = next.map((c, i) => (i === at ? { ...c, off: false } : c));
  }
  return next;
}

/** The filter that a click on a value adds, or with exclude the one that leaves it out. */
export function valueFilter(field: string, value: string | undefined, exclude: boolean): Cond {
  if (value === undefined) return cond(field, exclude ? "exists" : "not exists");
  return cond(field, exclude ? "!=" : "=", value);
}

const symbols: Record<string, string> = { "!=": "≠", "<=": "≤", ">=": "≥", in: "∈", "not in": "∉", "!~": "≁", exists: "∃", "not exists": "∄" };

export interface ChipParts {
  either: boolean;
  field: string;
  op: string;
  value: string;
}

/** What a chip shows; undefined for an expression that is more than one condition, unless it looks for one entity. */
export function parts(e: Expr): ChipParts | undefined {
  if (e.kind === "not") {
    const p = e.item.kind === "cond" ? undefined : parts(e.item);
    return p && p.op === "=" ? { ...p, op: "≠" } : undefined;
  }
  if (e.kind !== "cond") {
    const found = filteredEntity(e);
    if (!found) return undefined;
    const word = kinds[kindOf(found.id)].one;
    const either = found.end === "either";
    return { either, field: either ? word : `${found.end} ${word}`, op: "=", value: entityName(found.id) };
  }
  const either = e.field.startsWith("either.");
  const field = (either ? e.field.slice("either.".length) : e.field).replace("process.executable.name", "process").replace(/k8s\.(\w+)\.name$/, "$1");
  return { either, field, op: symbols[e.op] ?? e.op, value: e.values.join(", ") };
}
