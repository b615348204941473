// What is folded because there are too many to read: the smallest of a group,
// and in a cluster with many namespaces all of the smallest.

import type { GroupId } from "./entity";
import type { MapNode, ModelOptions, Side } from "./model";
import { addTotals, bytesOf, noTotals } from "./totals";

export const foldKey = (group: GroupId, side: Side) => `${group}-${side}`;

/** Replaces the small nodes of each full column by one that stands for them; returns where each went. */
export function fold(nodes: Map<string, MapNode>, o: ModelOptions): Map<string, string> {
  const target = new Map<string, string>();
  for (const key of nodes.keys()) target.set(key, key);
  for (const side of ["in", "mid", "out"] as const) {
    const column = [...nodes.values()].filter((n) => n.side === side);
    if (side === "mid") gather(column, o);
    const groups = [...new Set(column.map((n) => n.group))].sort();
    const limits = share(groups.map((g) => column.filter((n) => n.group === g).length), side === "mid" ? middleRows(groups, o) : o.rows);
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

/** One group stands in up to three columns; several stand beside each other too. */
function middleRows(groups: readonly GroupId[], o: ModelOptions): number {
  return (groups.length > 1 ? 3 : 2) * o.rows;
}

/** Puts the small namespaces of a large cluster into one group: each of its own would leave no room for what is in them. */
function gather(middle: readonly MapNode[], o: ModelOptions): void {
  const weights = new Map<GroupId, number>();
  for (const n of middle) {
    if (!n.group.startsWith("ns:")) continue;
    const kept = o.keep.has(n.entity!.id) ? 1e18 : 0;
    weights.set(n.group, (weights.get(n.group) ?? 0) + settledWeight(n, o.shown) + kept);
  }
  if (weights.size <= o.rows) return;
  const largest = [...weights].sort((a, b) => b[1] - a[1] || compare(a[0], b[0])).slice(0, o.rows - 1);
  const stay = new Set(largest.map(([group]) => group));
  for (const n of middle) if (weights.has(n.group) && !stay.has(n.group)) n.group = "cluster";
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

const settledWeight = (n: MapNode, shown: ReadonlySet<string>) => bytesOf(n.totals) * (shown.has(n.key) ? 2 : 1);

function bySettledWeight(shown: ReadonlySet<string>): (a: MapNode, b: MapNode) => number {
  return (a, b) => settledWeight(b, shown) - settledWeight(a, shown) || byWeight(a, b);
}

function byDenied(a: MapNode, b: MapNode): number {
  return b.totals.denied - a.totals.denied || compare(a.key, b.key);
}

export const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export function byWeight(a: MapNode, b: MapNode): number {
  return bytesOf(b.totals) - bytesOf(a.totals) || b.totals.denied - a.totals.denied || compare(a.key, b.key);
}

export function mergePorts(a: number[], b: number[]): number[] {
  return [...new Set([...a, ...b])];
}
