// The columns of the middle: in which of them each node stands.

import type { MapModel } from "./model";

/** The last column of a machine, and of several groups. */
const mostAlone = 2;
const mostGrouped = 3;

/** Columns of the middle: a callee stands right of its caller, lighter edges giving way in a cycle. */
export function rank(model: MapModel, grouped: boolean, previous: ReadonlyMap<string, number> | undefined): Map<string, number> {
  const mid = model.nodes.filter((n) => n.side === "mid");
  const most = grouped ? mostGrouped : mostAlone;
  const isMid = new Set(mid.map((n) => n.key));
  const after = new Map<string, string[]>();
  for (const e of model.edges) {
    if (!isMid.has(e.from) || !isMid.has(e.to) || reaches(after, e.to, e.from)) continue;
    after.set(e.from, [...(after.get(e.from) ?? []), e.to]);
  }
  const called = new Set([...after.values()].flat());
  const depth = new Map<string, number>();
  const push = (key: string, d: number) => {
    if ((depth.get(key) ?? -1) >= d) return;
    depth.set(key, d);
    for (const next of after.get(key) ?? []) push(next, Math.min(d + 1, most));
  };
  for (const n of mid) if (after.has(n.key) && !called.has(n.key)) push(n.key, 0);

  const callsOut = new Set(model.edges.filter((e) => !isMid.has(e.to)).map((e) => e.from));
  const calledIn = new Set(model.edges.filter((e) => !isMid.has(e.from)).map((e) => e.to));
  const linked = Math.max(0, ...depth.values());
  const both = mid.some((n) => callsOut.has(n.key) && !calledIn.has(n.key)) && mid.some((n) => calledIn.has(n.key) && !callsOut.has(n.key));
  const last = Math.max(linked, both ? 1 : 0);
  if (grouped) {
    // Who only calls stands beside what it calls: there is room, and its edge crosses less.
    for (const [key, callees] of after) {
      if (!called.has(key) && !calledIn.has(key)) depth.set(key, Math.max(0, Math.min(...callees.map((c) => depth.get(c)!)) - 1));
    }
  }
  const result = new Map<string, number>();
  for (const n of mid) {
    const known = previous?.get(n.key);
    const free = callsOut.has(n.key) && !calledIn.has(n.key) ? last : 0;
    result.set(n.key, known ?? depth.get(n.key) ?? free);
  }
  return result;
}

/** Whether a way leads there. Each node is looked at once: in a cluster the ways are many more than the nodes. */
function reaches(after: ReadonlyMap<string, readonly string[]>, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const key of seen) {
    if (key === to) return true;
    for (const next of after.get(key) ?? []) seen.add(next);
  }
  return false;
}
