// From groups of flows to what the map draws: entities, the edges between
// them, and what is folded because there are too many.

import type { Group } from "../api/types";
import type { Entity, GroupId, Level } from "./levels";

/** Callers stand left, this machine in the middle, what it calls right. */
export type Side = "in" | "mid" | "out";

export interface Totals {
  /** What the caller sent, and what came back. */
  sent: number;
  received: number;
  connections: number;
  open: number;
  completed: number;
  denied: number;
  reset: number;
  resetBySource: number;
  resetByDestination: number;
  timedOut: number;
  abandoned: number;
  retransmits: number;
  lost: number;
  packets: number;
  rttSum: number;
  rttSamples: number;
  rttMax: number;
  handshakeSum: number;
  handshakeSamples: number;
  windowLimited: number;
}

export interface MapNode {
  /** Unique on the map; an outside entity may stand on both sides. */
  key: string;
  side: Side;
  group: GroupId;
  entity: Entity | null;
  /** The entities inside a fold, largest first; empty otherwise. */
  folded: Entity[];
  totals: Totals;
  /** Destination ports that this node was called at, most used first. */
  ports: number[];
}

export interface MapEdge {
  key: string;
  from: string;
  to: string;
  totals: Totals;
  /** Destination ports, most bytes first, denied ones after. */
  ports: number[];
  /** Why connections were refused, most frequent first. */
  reasons: string[];
}

export interface MapModel {
  nodes: MapNode[];
  edges: MapEdge[];
  /** Entities before folding. */
  entities: number;
  folded: number;
}

export interface ModelOptions {
  level: Level;
  /** Rows that an outside column may have, and entities that the machine may have. */
  rows: number;
  /** Fold keys that are opened: they show every entity. */
  unfolded: readonly string[];
  /** Entities that are never folded. */
  keep: ReadonlySet<string>;
  /** Nodes that are drawn now: they give way only to clearly larger ones, so that a live map stays calm. */
  shown: ReadonlySet<string>;
  /** Only this entity and its neighbours. */
  focus: string | null;
}

export const bytesOf = (t: Totals) => t.sent + t.received;
export const foldKey = (group: GroupId, side: Side) => `${group}-${side}`;

/** The entity that a node's key names; a fold's key stays as it is. */
export const plain = (key: string) => key.replace(/^(in|out)\|/, "");

export function noTotals(): Totals {
  return {
    sent: 0, received: 0, connections: 0, open: 0, completed: 0, denied: 0, reset: 0, resetBySource: 0, resetByDestination: 0, timedOut: 0, abandoned: 0,
    retransmits: 0, lost: 0, packets: 0, rttSum: 0, rttSamples: 0, rttMax: 0, handshakeSum: 0, handshakeSamples: 0, windowLimited: 0,
  };
}

export function totalsOf(g: Pick<Group, "sums" | "denied" | "rttMax">): Totals {
  const s = (name: string) => g.sums[name] ?? 0;
  return {
    sent: s("source.bytes"),
    received: s("destination.bytes"),
    connections: s("flow.connections.seen"),
    open: Math.max(0, s("flow.connections.started") - s("flow.connections.completed")),
    completed: s("flow.connections.completed"),
    denied: g.denied,
    reset: s("flow.connections.reset"),
    resetBySource: s("flow.connections.reset_by_source"),
    resetByDestination: s("flow.connections.reset_by_destination"),
    timedOut: s("flow.connections.timed_out"),
    abandoned: s("flow.connections.abandoned"),
    retransmits: s("flow.tcp.retransmits"),
    lost: s("flow.tcp.lost"),
    packets: s("source.packets") + s("destination.packets"),
    rttSum: s("flow.tcp.rtt.sum"),
    rttSamples: s("flow.tcp.rtt.samples"),
    rttMax: g.rttMax ?? 0,
    handshakeSum: s("flow.tcp.handshake.sum"),
    handshakeSamples: s("flow.tcp.handshake.samples"),
    windowLimited: s("flow.tcp.window_limited"),
  };
}

export function addTotals(into: Totals, t: Totals): void {
  for (const k of Object.keys(into) as (keyof Totals)[]) {
    into[k] = k === "rttMax" ? Math.max(into[k], t[k]) : into[k] + t[k];
  }
}

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
    const from = level.entity(g.key, "source");
    const to = level.entity(g.key, "destination");
    const key = `${from.id} > ${to.id}`;
    let edge = edges.get(key);
    if (!edge) edges.set(key, (edge = { from, to, totals: noTotals(), ports: new Map(), reasons: new Map() }));
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
  return e.group === "machine" ? e.id : `${side}|${e.id}`;
}

function nodeFor(nodes: Map<string, MapNode>, e: Entity, side: "in" | "out"): MapNode {
  const key = nodeKey(e, side);
  let node = nodes.get(key);
  if (!node) {
    node = { key, side: e.group === "machine" ? "mid" : side, group: e.group, entity: e, folded: [], totals: noTotals(), ports: [] };
    nodes.set(key, node);
  }
  return node;
}

/** Replaces the small nodes of each full column by one that stands for them; returns where each went. */
function fold(nodes: Map<string, MapNode>, o: ModelOptions): Map<string, string> {
  const target = new Map<string, string>();
  for (const key of nodes.keys()) target.set(key, key);
  for (const side of ["in", "mid", "out"] as const) {
    const column = [...nodes.values()].filter((n) => n.side === side);
    const groups = [...new Set(column.map((n) => n.group))].sort();
    const limits = share(groups.map((g) => column.filter((n) => n.group === g).length), side === "mid" ? 2 * o.rows : o.rows);
    groups.forEach((group, i) => {
      const key = foldKey(group, side);
      const members = column.filter((n) => n.group === group);
      const limit = limits[i]!;
      if (members.length <= limit || o.unfolded.includes(key)) return;
      const kept = new Set(members.filter((n) => o.keep.has(n.entity!.id)));
      for (const n of [...members.filter((n) => n.totals.denied > 0).sort(byDenied).slice(0, Math.ceil(limit / 3)), ...members.sort(bySettledWeight(o.shown))]) {
        if (kept.size >= limit - 1) break;
        kept.add(n);
      }
      const gone = members.filter((n) => !kept.has(n));
      if (gone.length < 2) return;
      const node: MapNode = { key: `fold|${key}`, side, group, entity: null, folded: gone.map((n) => n.entity!), totals: noTotals(), ports: [] };
      for (const n of gone) {
        addTotals(node.totals, n.totals);
        node.ports = mergePorts(node.ports, n.ports);
        nodes.delete(n.key);
        target.set(n.key, node.key);
      }
      nodes.set(node.key, node);
    });
  }
  return target;
}

/** Divides rows among groups: none gets more than it needs, the rest is shared evenly. */
export function share(needs: readonly number[], rows: number): number[] {
  const got = needs.map(() => 0);
  let left = rows;
  let open = needs.map((_, i) => i);
  while (left > 0 && open.length > 0) {
    const each = Math.max(1, Math.floor(left / open.length));
    for (const i of open) {
      const more = Math.min(each, needs[i]! - got[i]!, left);
      got[i]! += more;
      left -= more;
    }
    open = open.filter((i) => got[i]! < needs[i]!);
  }
  return got.map((g) => Math.max(2, g));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function byWeight(a: MapNode, b: MapNode): number {
  return bytesOf(b.totals) - bytesOf(a.totals) || b.totals.denied - a.totals.denied || compare(a.key, b.key);
}

function bySettledWeight(shown: ReadonlySet<string>): (a: MapNode, b: MapNode) => number {
  const weight = (n: MapNode) => bytesOf(n.totals) * (shown.has(n.key) ? 2 : 1);
  return (a, b) => weight(b) - weight(a) || byWeight(a, b);
}

function byDenied(a: MapNode, b: MapNode): number {
  return b.totals.denied - a.totals.denied || compare(a.key, b.key);
}

function ranked<K extends string | number>(counts: ReadonlyMap<K, number>): K[] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([k]) => k);
}

function mergePorts(a: number[], b: number[]): number[] {
  return [...new Set([...a, ...b])];
}

function mergeCounts<K>(into: Map<string, Map<K, number>>, key: string, add: ReadonlyMap<K, number>): void {
  const m = into.get(key) ?? new Map<K, number>();
  into.set(key, m);
  for (const [k, n] of add) m.set(k, (m.get(k) ?? 0) + n);
}
