// Where everything on the map stands. Traffic runs left to right: callers,
// what is recorded in as many columns as its own call each other, what it
// calls. Deterministic, and given the last layout nothing that was there
// moves: what is new takes a free row or a new one.

import { arrange, groupsOf, insert } from "./arrange";
import type { GroupId } from "./entity";
import { neighbours } from "./links";
import { rank } from "./rank";
import type { MapModel, MapNode, Side } from "./model";
import { groupPitch, nodeHeight, sizesOf } from "./sizes";

const mostStretch = 1.4;

export interface Placed {
  x: number;
  y: number;
  width: number;
  /** 0 for callers, then the columns of the middle, then what is called. */
  column: number;
}

export interface GroupBox {
  key: string;
  group: GroupId;
  side: Side;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  nodes: Map<string, Placed>;
  groups: GroupBox[];
  /** What the next layout keeps: ranks of the nodes in the middle, rows of all nodes that ever stood, blocks in use, whether the middle has several groups, how much wider than the canvas it was made. */
  kept: { ranks: Map<string, number>; rows: Map<string, number>; inner: number; used: boolean[]; grouped: boolean; stretch: number };
  width: number;
  height: number;
}

export function layout(model: MapModel, viewport: { width: number; height?: number }, previous?: Layout): Layout {
  const kept = previous && model.nodes.some((n) => previous.nodes.has(n.key)) ? previous.kept : undefined;
  const grouped = kept?.grouped === true || new Set(model.nodes.filter((n) => n.side === "mid").map((n) => n.group)).size > 1;
  const ranks = rank(model, grouped, kept?.ranks);
  const inner = Math.max(kept?.inner ?? 0, ...ranks.values());
  const columnOf = (n: MapNode) => (n.side === "in" ? 0 : n.side === "out" ? inner + 2 : 1 + (ranks.get(n.key) ?? 0));
  const columns: MapNode[][] = Array.from({ length: inner + 3 }, () => []);
  for (const n of model.nodes) columns[columnOf(n)]!.push(n);

  const links = neighbours(model.edges);
  const y = kept ? insert(columns, links, kept.rows, grouped) : arrange(columns, links, grouped);
  const used = [columns[0]!, columns.slice(1, -1).flat(), columns.at(-1)!].map((c, i) => c.length > 0 || kept?.used[i] === true);
  const rows = new Map([...(kept?.rows ?? []), ...y]);
  return place(columns, y, { ranks: new Map([...(kept?.ranks ?? []), ...ranks]), rows, inner, used, grouped, stretch: kept?.stretch ?? stretchOf(y, grouped, viewport.height) }, viewport.width);
}

/** What is higher than the canvas is drawn smaller, which leaves room beside it. */
function stretchOf(y: ReadonlyMap<string, number>, grouped: boolean, height: number | undefined): number {
  if (!grouped || !height) return 1;
  const rows = [...y.values()];
  return Math.min(mostStretch, Math.max(1, (Math.max(...rows) - Math.min(...rows) + groupPitch(sizesOf(grouped))) / height));
}

function place(columns: MapNode[][], y: Map<string, number>, kept: Layout["kept"], canvas: number): Layout {
  const { inner, used, grouped } = kept;
  const available = canvas * kept.stretch;
  const size = sizesOf(grouped);
  const outside = size.outside + 2 * size.padding;
  const boxes = used.filter(Boolean).length;
  const widthsWith = (innerGap: number) => [outside, (inner + 1) * size.middle + inner * innerGap + 2 * size.padding, outside];
  const freeWith = (innerGap: number) => available - 64 - widthsWith(innerGap).reduce((sum, w, i) => sum + (used[i] ? w : 0), 0);
  const spare = freeWith(size.inner.least) - (boxes - 1) * size.gap.least;
  const innerGap = Math.min(size.inner.most, Math.max(size.inner.least, size.inner.least + spare / Math.max(1, inner)));
  const widths = widthsWith(innerGap);
  const free = freeWith(innerGap);
  const gap = Math.min(size.gap.most, Math.max(size.gap.least, boxes > 1 ? free / (boxes - 1) : size.gap.least));
  const lefts: number[] = [];
  let x = 0;
  used.forEach((u, i) => {
    lefts.push(x);
    if (u) x += widths[i]! + gap;
  });
  const nodes = new Map<string, Placed>();
  columns.forEach((column, c) => {
    const block = c === 0 ? 0 : c === columns.length - 1 ? 2 : 1;
    const left = Math.round(lefts[block]! + size.padding + (block === 1 ? (c - 1) * (size.middle + innerGap) : 0));
    for (const n of column) nodes.set(n.key, { x: left, y: y.get(n.key)!, width: block === 1 ? size.middle : size.outside, column: c });
  });
  const groups = box(columns, nodes, lefts, widths, grouped);
  const bottom = Math.max(0, ...groups.map((g) => g.y + g.height));
  const top = Math.min(0, ...groups.map((g) => g.y));
  return { nodes, groups, kept, width: Math.max(0, x - gap), height: bottom - top };
}

function box(columns: MapNode[][], nodes: Map<string, Placed>, lefts: number[], widths: number[], grouped: boolean): GroupBox[] {
  const { padding, header } = sizesOf(grouped);
  const sides: [Side, MapNode[], number][] = [
    ["in", columns[0]!, 0],
    ["mid", columns.slice(1, -1).flat(), 1],
    ["out", columns.at(-1)!, 2],
  ];
  return sides.flatMap(([side, members, i]) =>
    groupsOf(members).map((group): GroupBox => {
      const placed = members.filter((n) => n.group === group).map((n) => nodes.get(n.key)!);
      const ys = placed.map((p) => p.y);
      const top = Math.min(...ys) - header;
      // One group takes the whole block, so that it keeps its width; of several each takes its own columns.
      const own = side === "mid" && grouped;
      const x = own ? Math.min(...placed.map((p) => p.x)) - padding : Math.round(lefts[i]!);
      const width = own ? Math.max(...placed.map((p) => p.x + p.width)) + padding - x : widths[i]!;
      return { key: `${group}-${side}`, group, side, x, y: top, width, height: Math.max(...ys) + nodeHeight + padding - top };
    }),
  );
}
