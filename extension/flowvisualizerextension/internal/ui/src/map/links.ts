// Who is joined to whom, and how strongly that pulls them together.

import type { MapEdge } from "./model";
import { bytesOf } from "./totals";

export interface Link {
  key: string;
  weight: number;
}

export function neighbours(edges: readonly MapEdge[]): Map<string, Link[]> {
  const links = new Map<string, Link[]>();
  const add = (a: string, b: string, weight: number) => links.set(a, [...(links.get(a) ?? []), { key: b, weight }]);
  for (const e of edges) {
    const weight = Math.log2(2 + bytesOf(e.totals));
    add(e.from, e.to, weight);
    add(e.to, e.from, weight);
  }
  return links;
}

/** Where the neighbours of a node stand on average; undefined when none stands yet. */
export function mean(links: readonly Link[] | undefined, at: ReadonlyMap<string, number>): number | undefined {
  let sum = 0;
  let weights = 0;
  for (const l of links ?? []) {
    const v = at.get(l.key);
    if (v === undefined) continue;
    sum += v * l.weight;
    weights += l.weight;
  }
  return weights > 0 ? sum / weights : undefined;
}
