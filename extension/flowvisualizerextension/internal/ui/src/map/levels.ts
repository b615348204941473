// What the map can be drawn by. A level says which attributes to group by and
// which entity stands at each end of a group; everything else on the map is
// the same for all levels.

import { any, cond, type Expr } from "../filter/grammar";
import { type End, type Entity, entityAt, type GroupId, isSeveral, type Key, kinds, type LevelId, named, severalAddresses, unknownEntity } from "./entity";

/** A part of what a level asks the server for. */
export interface Question {
  /** The map adds two; the server groups by at most 24. */
  by: readonly string[];
  /** Which flows; none is all. */
  of?: Expr;
}

export interface Level {
  id: LevelId;
  /** As the switch names it. */
  label: string;
  one: string;
  many: string;
  /** Offered only where records say who stands at their ends in a cluster. */
  cluster: boolean;
  /** Every flow is in one of them, and in no other. */
  questions: readonly Question[];
  entity(key: Key, end: End): Entity;
}

const ends = ["source", "destination"] as const;
const perEnd = (...rest: string[]) => rest.flatMap((r) => ends.map((e) => `${e}.${r}`));

/** Where an address stands by its scope. Without one there is no address that could be on the internet. */
export const groupOfScope: Record<string, GroupId> = {
  loopback: "machine",
  link_local: "local",
  private: "local",
  unique_local: "local",
  cgnat: "local",
  multicast: "local",
  public: "internet",
};

const scopeGroup = (key: Key, end: End): GroupId => groupOfScope[String(key[`${end}.scope`])] ?? "local";

function addressEntity(key: Key, end: End): Entity {
  const group = key[`${end}.type`] === "host" ? "machine" : scopeGroup(key, end);
  if (isSeveral(key, end, "address")) return severalAddresses(key, end, group);
  return entityAt("address", key, end, group) ?? unknownEntity(group);
}

function processEntity(key: Key, end: End): Entity {
  return entityAt("process", key, end, "machine") ?? addressEntity(key, end);
}

/** What has a name in the cluster but is no pod; else the process or the address. */
function outsideEntity(key: Key, end: End, box: GroupId): Entity {
  return (
    entityAt("network", key, end, scopeGroup(key, end)) ??
    entityAt("node", key, end, "nodes") ??
    entityAt("service", key, end, box) ??
    processEntity(key, end)
  );
}

/** Pods by themselves or by what they belong to; the first kind that is known. A network set may be in a namespace too. */
function podEntity(key: Key, end: End, ...by: ("namespace" | "workload" | "pod" | "pods")[]): Entity {
  const namespace = key[`${end}.k8s.namespace.name`] ?? key[`${end}.k8s.service.namespace`];
  const box: GroupId = by[0] === "namespace" ? "cluster" : `ns:${String(namespace)}`;
  const found = key[`${end}.network.name`] === undefined ? by.map((kind) => entityAt(kind, key, end, box)).find((e) => e !== undefined) : undefined;
  return found ?? outsideEntity(key, end, box);
}

const nameless = ["type", "scope", "process.executable.name", "address"];
const anyName = (end: End) =>
  any(...["k8s.namespace.name", "network.name", "k8s.node.name", ...(end === "destination" ? ["k8s.service.name"] : [])].map((f) => cond(`${end}.${f}`, "exists")))!;
const bothNamed: Expr = { kind: "and", items: ends.map(anyName) };

/**
 * Flows between two that have a name are grouped without their addresses: a
 * workload's edge is then one group however many pods it has. The others, one
 * end of which may be any address, are asked for apart.
 */
function clusterQuestions(...fields: string[]): Question[] {
  const by = [...perEnd("k8s.namespace.name", ...fields, "k8s.node.name", "network.name", "scope"), "destination.k8s.service.namespace", "destination.k8s.service.name"];
  return [
    { by, of: bothNamed },
    { by: [...new Set([...by, ...perEnd(...nameless)])], of: { kind: "not", item: bothNamed } },
  ];
}

export const levels: Record<LevelId, Level> = {
  namespace: {
    id: "namespace",
    label: "Namespaces",
    one: "namespace",
    many: "namespaces",
    cluster: true,
    questions: clusterQuestions(),
    entity: (key, end) => podEntity(key, end, "namespace"),
  },
  workload: {
    id: "workload",
    label: "Workloads",
    one: "workload",
    many: "workloads",
    cluster: true,
    questions: clusterQuestions("k8s.workload.kind", "k8s.workload.name"),
    entity: (key, end) => podEntity(key, end, "workload", "namespace"),
  },
  pod: {
    id: "pod",
    label: "Pods",
    one: "pod",
    many: "pods",
    cluster: true,
    questions: clusterQuestions("k8s.workload.kind", "k8s.workload.name", "k8s.pod.name"),
    entity: (key, end) => podEntity(key, end, "pod", ...(isSeveral(key, end, "k8s.pod.name") ? ["pods" as const] : []), "namespace"),
  },
  process: {
    id: "process",
    label: "Processes",
    one: "process",
    many: "processes",
    cluster: false,
    questions: [{ by: perEnd(...nameless) }],
    entity: processEntity,
  },
  address: {
    id: "address",
    label: "Addresses",
    one: "address",
    many: "addresses",
    cluster: false,
    questions: [{ by: perEnd("type", "scope", "address") }],
    entity: addressEntity,
  },
};

export const levelIds = Object.keys(levels) as LevelId[];

/** The level that opening an entity leads to, when that is further down than this one. */
export function opens(id: string, from: LevelId): LevelId | undefined {
  const n = named(id);
  const next = n && kinds[n.kind].opens;
  return next !== undefined && levelIds.indexOf(next) > levelIds.indexOf(from) ? next : undefined;
}
