// What the search field offers for what has been typed so far: fields, then
// operators, then values.

import type { Field } from "../api/types";
import { shorthands } from "../filter/chips";
import { ops, quote } from "../filter/grammar";
import { isCompanion } from "../format/listings";

export interface Suggestion {
  /** The whole text of the field when this is taken. */
  text: string;
  label: string;
  detail?: string;
  /** A finished filter: taking it commits. */
  done?: boolean;
}

export interface Stage {
  /** Text before the part being typed, up to and including the last "and". */
  before: string;
  kind: "field" | "op" | "value";
  field: string;
  op: string;
  typed: string;
}

const opPattern = /^(!=|!~|<=|>=|=|<|>|~|not in|not exists|in|exists)\s+/;

/** Where in a condition the end of the text stands. */
export function stage(text: string): Stage {
  const and = text.lastIndexOf(" and ");
  const before = and < 0 ? "" : text.slice(0, and + 5);
  const rest = text.slice(before.length).replace(/^\s*(not\s+|\()*/, "");
  const field = /^(\S+)\s+/.exec(rest);
  if (!field) return { before, kind: "field", field: "", op: "", typed: rest };
  const name = shorthands[field[1]!] ?? field[1]!;
  const after = rest.slice(field[0].length);
  const op = opPattern.exec(after);
  if (!op) return { before, kind: "op", field: name, op: "", typed: after };
  return { before, kind: "value", field: name, op: op[1]!, typed: after.slice(op[0].length) };
}

const limit = 10;

export function suggest(text: string, fields: readonly Field[], values: readonly { value: unknown; records: number }[], cluster = false): Suggestion[] {
  const s = stage(text);
  if (s.kind === "op") {
    return ops.filter((o) => o.startsWith(s.typed)).map((o) => {
      const done = o.endsWith("exists");
      return { text: `${s.before}${s.field} ${o}${done ? "" : " "}`, label: o, done, detail: opWords[o]! };
    });
  }
  if (s.kind === "value") {
    if (s.op.endsWith("in") || s.op.endsWith("exists")) return [];
    return values.slice(0, limit).map((v) => ({
      text: `${s.before}${s.field} ${s.op} ${quote(String(v.value))}`,
      label: String(v.value),
      detail: v.records > 0 ? `${v.records} records` : "",
      done: true,
    }));
  }
  const named = matchingFields(s, fields);
  const begun = fields.some((f) => s.typed !== "" && f.name.startsWith(s.typed.toLowerCase()));
  return begun ? [...named.slice(0, limit), ...searches(s, cluster)] : [...searches(s, cluster), ...named.slice(0, limit)];
}

const opWords: Record<string, string> = {
  "=": "is", "!=": "is not", "~": "contains", "!~": "does not contain", "<": "less", "<=": "at most", ">": "more", ">=": "at least",
  in: "one of (a, b)", "not in": "none of (a, b)", exists: "is present", "not exists": "is absent",
};

/** A bare word is looked for where it can be. */
function searches(s: Stage, cluster: boolean): Suggestion[] {
  const word = s.typed.trim();
  if (word.length < 2) return [];
  const made = (filter: string): Suggestion => ({ text: s.before + filter, label: filter, detail: "filter", done: true });
  if (/^\d{1,5}$/.test(word)) return [made(`destination.port = ${word}`)];
  if (/^[\d.]+(\/\d+)?$|^[0-9a-f]*:[0-9a-f:.]*(\/\d+)?$/i.test(word)) return [made(`either.address = ${word}`)];
  const names = [...(cluster ? ["k8s.workload.name", "k8s.namespace.name"] : []), "process.executable.name"];
  return names.map((name) => made(`either.${name} ~ ${quote(word)}`));
}

function matchingFields(s: Stage, fields: readonly Field[]): Suggestion[] {
  const typed = s.typed.toLowerCase();
  const either = fields.filter((f) => f.name.startsWith("source.") && fields.some((o) => o.name === f.name.replace("source.", "destination.")));
  const all = [
    ...either.filter((f) => f.role === "dimension").map((f) => ({ name: f.name.replace("source.", "either."), description: "Either end." })),
    ...fields,
  ];
  const place = (name: string) => (name.startsWith(typed) ? 0 : name.includes(`.${typed}`) ? 1 : name.includes(typed) ? 2 : 3);
  // What an attribute's own name finds need not be looked for in its list.
  const score = (name: string) => place(name) + (isCompanion(name.replace("either.", "source.")) ? 0.5 : 0);
  return all
    .filter((f) => score(f.name) < 3)
    .sort((a, b) => score(a.name) - score(b.name))
    .map((f) => ({ text: `${s.before}${f.name} `, label: f.name, detail: f.description }));
}
