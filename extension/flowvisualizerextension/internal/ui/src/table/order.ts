// The arithmetic of moving columns. A gap is named by the column right of it;
// the one after the last column has the number of columns.

/** ids with id moved into a gap. */
export function moved(ids: readonly string[], id: string, gap: number): string[] {
  const rest = ids.filter((other) => other !== id);
  rest.splice(gap > ids.indexOf(id) ? gap - 1 : gap, 0, id);
  return rest;
}

/** Whether the gap is beside the column already, so that moving there would change nothing. */
export function isBeside(ids: readonly string[], id: string, gap: number): boolean {
  const at = ids.indexOf(id);
  return gap === at || gap === at + 1;
}

/** The gap nearest to x; edges holds the left side of each column and the right side of the last. */
export function nearestGap(edges: readonly number[], x: number): number {
  return edges.reduce((best, edge, i) => (Math.abs(edge - x) < Math.abs(edges[best]! - x) ? i : best), 0);
}
