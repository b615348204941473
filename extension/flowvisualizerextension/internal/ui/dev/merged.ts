// What flow_aggregation makes of records: those of one window that share their
// workloads and port become one, which lists what they differ in.

import type { Flow } from "../src/api/types.ts";
import { listings } from "../src/format/listings.ts";
import { fields } from "./fields.ts";

/** Intervals of traffic that are merged at a time. */
export const window = 6;

const listLimit = 2;
/** Callers from outside are more than the list has, and more than are counted exactly. */
const estimatedCount = 1240;

const key = [
  "flow.action", "flow.deny.class", "flow.reporter", "network.transport", "destination.port",
  ...["source", "destination"].flatMap((end) => ["type", "scope", "k8s.namespace.name", "k8s.workload.kind", "k8s.workload.name", "network.name"].map((a) => `${end}.${a}`)),
];

/** Monitoring is told apart by workloads alone; what a batch job does is sampled, and not merged. */
const levelOf = (f: Flow) => (f["source.k8s.namespace.name"] === "monitoring" ? "3" : f["source.k8s.namespace.name"] === "batch" ? undefined : "2");

/** Besides the merged records there are in each window one of what memory had no room for and one of what was folded before. */
export function merged(flows: readonly Flow[], index: number): Flow[] {
  const groups = new Map<string, Flow[]>();
  const others: Flow[] = [];
  for (const f of flows) {
    const level = levelOf(f);
    if (level === undefined) {
      others.push({ ...f, "flow.sampling.rate": 10 });
      continue;
    }
    const id = [level, ...key.filter((k) => level === "2" || k !== "destination.port").map((k) => f[k])].join("\0");
    groups.set(id, [...(groups.get(id) ?? []), f]);
  }
  const [tenth = {}] = flows;
  const rest = ["source", "destination"].flatMap((end) => [`${end}.bytes`, `${end}.packets`, `${end}.payload.bytes`]).map((name): [string, Flow[string]] => [name, tenth[name]]);
  const common = { "flow.start": tenth["flow.start"], "flow.end": tenth["flow.end"], "flow.action": "allow", "flow.reporter": "source", "network.transport": "tcp", "host.name": tenth["host.name"], "flow.connections.seen": 40, "flow.connections.started": 40, "flow.connections.completed": 40, ...Object.fromEntries(rest) };
  return [
    ...[...groups.values()].map((g, i) => one(g, `${index.toString(36)}-m${i.toString(36)}`)),
    ...others,
    { ...common, "flow.id": `${index.toString(36)}-over`, "flow.aggregation.level": "overflow", "flow.aggregation.records": 31, "flow.folded": 31 },
    { ...common, "flow.id": `${index.toString(36)}-fold`, "flow.folded": 12 },
  ];
}

function one(flows: readonly Flow[], id: string): Flow {
  const [first = {}] = flows;
  const level = levelOf(first)!;
  const all: Flow = { "flow.aggregation.level": level, "flow.aggregation.records": flows.length };
  for (const { name, role, type } of fields) {
    const values = flows.map((f) => f[name]).filter((v) => v !== undefined);
    if (values.length === 0) continue;
    if (name === "flow.start") all[name] = values.map(String).sort()[0];
    else if (name === "flow.end") all[name] = values.map(String).sort().at(-1);
    else if (role === "counter") all[name] = values.reduce((n: number, v) => n + Number(v), 0);
    else if (role === "gauge") all[name] = name.endsWith(".min") ? Math.min(...values.map(Number)) : Math.max(...values.map(Number));
    else if (type === "keywords") all[name] = [...new Set(values.flat().map(String))];
    else if (values.length === flows.length && new Set(values.map((v) => JSON.stringify(v))).size === 1) all[name] = values[0];
    else if (listings[name]) list(all, name, flows);
  }
  return { ...all, "flow.id": id };
}

function list(all: Flow, name: string, flows: readonly Flow[]): void {
  const weights = new Map<string, number>();
  for (const f of flows) if (f[name] !== undefined) weights.set(String(f[name]), (weights.get(String(f[name])) ?? 0) + Number(f["source.bytes"]) + Number(f["destination.bytes"]));
  const { list, count } = listings[name]!;
  all[list] = [...weights].sort((a, b) => b[1] - a[1]).slice(0, listLimit).map(([v]) => v);
  if (flows[0]!["source.scope"] === "public" && name === "source.address") {
    all[count] = estimatedCount;
    all["flow.aggregation.estimated"] = [count];
  } else if (weights.size > listLimit) all[count] = weights.size;
}
