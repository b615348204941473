// From groups of flows to what the map draws: entities, the edges between
// them, and what is folded because there are too many.

import type { Group } from "../api/types";
import type { Entity } from "./entity";
import { byWeight, compare, fold, mergePorts } from "./fold";
import type { Level } from "./levels";
import { inside, type MapEdge, type MapModel, type MapNode, type ModelOptions } from "./model";
import { addTotals, bytesOf, noTotals, totalsOf, type Totals } from "./totals";

interface RawEdge {
  from: Entity;
  to: Entity;
  totals: Totals;
  ports: Map<number, number>;
  reasons: Map<string, number>;
}

/** Builds the map. The same groups in any order give the same model. */
export function buildModel(groups: readonly Group[], options: ModelOptions): MapModel {
  let raw = [...collect(groups, options.level).values()];
  if (options.focus) raw = raw.filter((e) => e.from.id === options.focus || e.to.id === options.focus);

  const nodes = new Map<string, MapNode>();
  for (const e of raw) {
    const from = nodeFor(nodes, e.from, "in");
    const to = nodeFor(nodes, e.to, "out");
    addTotals(from.totals, e.totals);
    if (from !== to) addTotals(to.totals, e.totals);
    to.ports = mergePorts(to.ports, ranked(e.ports));
  }
  const entities = new Set(raw.flatMap((e) => [e.from.id, e.to.id])).size;
  const target = fold(nodes, options);

  const edges = new Map<string, MapEdge>();
  const ports = new Map<string, Map<number, number>>();
  const reasons = new Map<string, Map<string, number>>();
  for (const e of raw) {
    const from = target.get(nodeKey(e.from, "in"))!;
    const to = target.get(nodeKey(e.to, "out"))!;
    const key = `${from} > ${to}`;
    const edge = edges.get(key) ?? { key, from, to, totals: noTotals(), ports: [], reasons: [] };
    edges.set(key, edge);
    addTotals(edge.totals, e.totals);
    mergeCounts(ports, key, e.ports);
    mergeCounts(reasons, key, e.reasons);
  }
  for (const edge of edges.values()) {
    edge.ports = ranked(ports.get(edge.key) ?? new Map());
    edge.reasons = ranked(reasons.get(edge.key) ?? new Map());
  }
  const list = [...nodes.values()].sort(byWeight);
  return {
    nodes: list,
    edges: [...edges.values()].sort((a, b) => bytesOf(b.totals) - bytesOf(a.totals) || compare(a.key, b.key)),
    entities,
    folded: list.reduce((n, node) => n + node.folded.length, 0),
  };
}

function collect(groups: readonly Group[], level: Level): Map<string, RawEdge> {
  const edges = new Map<string, RawEdge>();
  for (const g of groups) {
    // What is absent from the key is not known, or had several values in records that were merged.
    const key = { ...g.key, "flow.aggregation.records": g.sums["flow.aggregation.records"] };
    const from = level.entity(key, "source");
    const to = level.entity(key, "destination");
    const pair = `${from.id} > ${to.id}`;
    let edge = edges.get(pair);
    if (!edge) edges.set(pair, (edge = { from, to, totals: noTotals(), ports: new Map(), reasons: new Map() }));
    const t = totalsOf(g);
    addTotals(edge.totals, t);
    const port = g.key["destination.port"];
    if (typeof port === "number") edge.ports.set(port, (edge.ports.get(port) ?? 0) + t.sent + t.received);
    const reason = g.key["flow.deny.class"];
    if (g.denied > 0 && typeof reason === "string") edge.reasons.set(reason, (edge.reasons.get(reason) ?? 0) + g.denied);
  }
  return edges;
}

function nodeKey(e: Entity, side: "in" | "out"): string {
  return inside(e.group) ? e.id : `${side}|${e.id}`;
}

function nodeFor(nodes: Map<string, MapNode>, e: Entity, side: "in" | "out"): MapNode {
  const key = nodeKey(e, side);
  let node = nodes.get(key);
  if (!node) {
    node = { key, side: inside(e.group) ? "mid" : side, group: e.group, entity: e, folded: [], totals: noTotals(), ports: [] };
    nodes.set(key, node);
  }
  return node;
}

function ranked<K extends string | number>(counts: ReadonlyMap<K, number>): K[] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([k]) => k);
}

function mergeCounts<K>(into: Map<string, Map<K, number>>, key: string, add: ReadonlyMap<K, number>): void {
  const m = into.get(key) ?? new Map<K, number>();
  into.set(key, m);
  for (const [k, n] of add) m.set(k, (m.get(k) ?? 0) + n);
}
