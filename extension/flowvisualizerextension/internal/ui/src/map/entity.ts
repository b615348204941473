// What stands on the map: kinds of entities, each known by some attributes of
// an end. A kind says how its entities are named in the URL, found by a filter
// and opened; a new kind is a line here.

import type { Group } from "../api/types";
import { all, any, cond, type Expr, serialise } from "../filter/grammar";
import { listings } from "../format/listings";

export type End = "source" | "destination";
/** Callers and what is called stand outside; all but these two are in the middle. */
export type GroupId = "local" | "internet" | "machine" | "cluster" | "nodes" | `ns:${string}`;
export type LevelId = "namespace" | "workload" | "pod" | "process" | "address";
export type EntityKind = "namespace" | "workload" | "pod" | "pods" | "service" | "network" | "node" | "process" | "address" | "addresses";

export interface Entity {
  /** Unique among all entities of all levels, and short: it stands in the URL. */
  id: string;
  kind: EntityKind;
  group: GroupId;
  title: string;
}

export type Key = Group["key"];

interface Kind {
  /** What its ids begin with. */
  prefix: string;
  /** The attributes of an end that tell its entities apart, the one that names them last. */
  fields: readonly string[];
  /** What the same end must be besides, where another kind may have the attributes too. */
  type?: string;
  /** The attribute of which the end has several values, as where records were merged. */
  several?: string;
  /** Only this end has the attributes. */
  only?: End;
  /** The level that shows what is inside. */
  opens?: LevelId;
  /** As a person says it. */
  one: string;
}

export const kinds: Record<EntityKind, Kind> = {
  namespace: { prefix: "ns", fields: ["k8s.namespace.name"], opens: "workload", one: "namespace" },
  workload: { prefix: "w", fields: ["k8s.namespace.name", "k8s.workload.kind", "k8s.workload.name"], opens: "pod", one: "workload" },
  pod: { prefix: "pod", fields: ["k8s.namespace.name", "k8s.pod.name"], opens: "process", one: "pod" },
  pods: { prefix: "pods", fields: ["k8s.namespace.name", "k8s.workload.kind", "k8s.workload.name"], several: "k8s.pod.name", opens: "process", one: "several pods" },
  // Where the backend is known the end is that, and the service only what was asked for.
  service: { prefix: "svc", fields: ["k8s.service.namespace", "k8s.service.name"], type: "service", only: "destination", opens: "address", one: "service" },
  network: { prefix: "net", fields: ["network.name"], opens: "address", one: "named network" },
  // A pod's end names its node too.
  node: { prefix: "node", fields: ["k8s.node.name"], type: "host", opens: "process", one: "node" },
  process: { prefix: "p", fields: ["process.executable.name"], opens: "address", one: "process" },
  address: { prefix: "a", fields: ["address"], opens: "address", one: "address" },
  addresses: { prefix: "as", fields: ["scope"], several: "address", one: "several addresses" },
};

const every = Object.entries(kinds) as [EntityKind, Kind][];
const unknownAddress = "unknown address";
/** Stands for the scope where the addresses are of several, or none is listed. */
const mixed = "mixed";

/** An entity of a kind, when the end has the attributes that make one. */
export function entityAt(kind: EntityKind, key: Key, end: End, group: GroupId): Entity | undefined {
  const k = kinds[kind];
  const values = k.fields.map((f) => key[`${end}.${f}`]);
  if (values.some((v) => v === undefined)) return undefined;
  const id = `${k.prefix}:${values.join("/")}`;
  return { id, kind, group, title: entityTitle(id) };
}

/** Whether records that were merged differ in an attribute of an end: those of one flow would have it. */
export function isSeveral(key: Key, end: End, attribute: string): boolean {
  return key[`${end}.${attribute}`] === undefined && Number(key["flow.aggregation.records"] ?? 0) > 0;
}

/** An end of merged records that may be several addresses: those of a range, or any. */
export function severalAddresses(key: Key, end: End, group: GroupId): Entity {
  return entityAt("addresses", { [`${end}.scope`]: mixed, ...key }, end, group)!;
}

export function unknownEntity(group: GroupId): Entity {
  return { id: `a:${unknownAddress}`, kind: "address", group, title: unknownAddress };
}

interface Named {
  kind: EntityKind;
  /** Of the kind's fields, in their order. */
  values: string[];
}

/** What an id says; undefined for a fold's. */
export function named(id: string): Named | undefined {
  const colon = id.indexOf(":");
  const found = every.find(([, k]) => k.prefix === id.slice(0, colon));
  if (!found) return undefined;
  const [kind, { fields }] = found;
  const parts = id.slice(colon + 1).split("/");
  // Names in a cluster have no slash; what has one is a kind with one attribute.
  const values = fields.length === 1 ? [parts.join("/")] : parts;
  return values.length === fields.length ? { kind, values } : undefined;
}

export function kindOf(id: string): EntityKind {
  return named(id)?.kind ?? "address";
}

/** The name alone, for where its namespace is said beside it. */
export function entityTitle(id: string): string {
  const n = named(id);
  if (n?.kind === "addresses") return n.values[0] === mixed ? kinds.addresses.one : `${n.values[0]!.replace("_", " ")} addresses`;
  return n?.values.at(-1) ?? id;
}

/** The name with its namespace: "checkout in shop". */
export function entityName(id: string): string {
  const n = named(id);
  const name = n && n.values.length > 1 ? `${n.values.at(-1)} in ${n.values[0]}` : entityTitle(id);
  return n?.kind === "pods" ? `pods of ${name}` : name;
}

/** What it is: "Deployment in shop", "pod in shop", "named network". */
export function entityAbout(id: string): string {
  const n = named(id);
  if (!n) return "";
  const what = n.kind === "workload" ? n.values[1]! : n.kind === "pods" ? `several pods, ${n.values[1]!}` : kinds[n.kind].one;
  return n.values.length > 1 ? `${what} in ${n.values[0]}` : what;
}

/** The filter that finds an entity at one end, or with "either" at any; undefined where it cannot stand. */
export function entityFilter(id: string, end: End | "either"): Expr | undefined {
  const n = named(id);
  if (!n) return undefined;
  const { fields, type, several, only } = kinds[n.kind];
  if (only && end !== "either" && end !== only) return undefined;
  if (id === `a:${unknownAddress}`) return cond(`${end}.address`, "not exists");
  const listed = (e: string) => (several ? [cond(listings[`${e}.${several}`]!.list, "exists")] : []);
  const known = (e: string) => all(...(type ? [cond(`${e}.type`, "=", type)] : []), ...fields.map((f, i) => cond(`${e}.${f}`, "=", n.values[i]!)), ...listed(e))!;
  // The same group may have records that were folded before anything was merged.
  const at = id === `as:${mixed}` ? (e: string) => cond(`${e}.scope`, "not exists") : known;
  if (end !== "either") return at(end);
  if (only) return at(only);
  // Several attributes must be those of the same end.
  return fields.length === 1 && !type && !several ? at("either") : any(at("source"), at("destination"));
}

/** One part for each end, as they are shown and switched off by. */
export function edgeFilters(from: string, to: string): Expr[] | undefined {
  const ends = [entityFilter(from, "source"), entityFilter(to, "destination")];
  return ends.every((e) => e !== undefined) ? ends : undefined;
}

/** The entity that a filter of several attributes looks for, so that it can be shown by its name. */
export function filteredEntity(e: Expr): { end: End | "either"; id: string } | undefined {
  const first = e.kind === "or" ? e.items[0]! : e;
  if (first.kind !== "and") return undefined;
  const values = new Map(first.items.flatMap((i) => (i.kind === "cond" && i.op === "=" ? [[i.field, i.values[0]!]] : [])));
  const one = String([...values.keys()][0]).startsWith("source.") ? "source" : "destination";
  for (const [kind] of every) {
    const id = entityAt(kind, Object.fromEntries(values), one, "cluster")?.id;
    if (id === undefined) continue;
    for (const end of [one, "either"] as const) {
      const filter = entityFilter(id, end);
      if (filter && serialise(filter) === serialise(e)) return { end: kinds[kind].only ?? end, id };
    }
  }
  return undefined;
}
