// The map as it stands on the screen: model, layout and shapes, with the last
// layout remembered so that a refresh moves nothing.

import { useMemo, useRef } from "react";
import { isStale, isStopped } from "../api/cache";
import { useMapGroups } from "../api/queries";
import type { ApiError } from "../api/client";
import { query } from "../filter/chips";
import type { View } from "../state/url";
import { levelOf, useView } from "../state/view";
import { shapes, type EdgeShape } from "./geometry";
import { layout, type Layout } from "./layout";
import { pitch } from "./sizes";
import { levels } from "./levels";
import { buildModel } from "./build";
import type { MapModel } from "./model";

export interface DrawnMap {
  model: MapModel;
  layout: Layout;
  shapes: Map<string, EdgeShape>;
  /** Changes when what is drawn was asked for anew, not when it only refreshed. */
  asked: string;
}

export interface MapState {
  drawn: DrawnMap | undefined;
  error: ApiError | undefined;
  /** What is drawn was asked for before, and the next is being read. */
  stale: boolean;
  /** A person has given up reading. */
  stopped: boolean;
  /** Milliseconds that the answers took. */
  took: number | undefined;
}

interface Memory {
  asked: string;
  layout: Layout;
  shown: ReadonlySet<string>;
}

/** What folds are for: the map is fitted without becoming smaller than this. */
const leastZoom = 0.8;
/** Height of the headers and gaps of two groups in one column. */
const twoGroups = 112;

/** Space at top and bottom of the canvas that tools and legend take. */
export const margin = { top: 48, bottom: 44, side: 16 };

export function useMap(size: { width: number; height: number }): MapState {
  const v = useView();
  const answers = useMapGroups();
  const level = levelOf(v);
  const memory = useRef<Memory | null>(null);
  const sized = size.height > 0;
  const rows = Math.max(5, Math.floor(((size.height - margin.top - margin.bottom) / leastZoom - twoGroups) / pitch));

  const data = answers.map((a) => a.data);
  const old = answers.some((a) => a.isPlaceholderData || a.data === undefined);
  const before = useRef<DrawnMap>(undefined);

  const drawn = useMemo(() => {
    if (!sized) return undefined;
    // The last answer may be of another level: what it drew stays until the new one is here.
    if (old) return before.current;
    const asked = askedKey(v, rows);
    const last = memory.current?.asked === asked ? memory.current : null;
    const model = buildModel(data.flatMap((d) => d?.data.groups ?? []), {
      level: levels[level],
      rows,
      unfolded: v.unfolded,
      keep: new Set([v.focus, ...selected(v)].filter((id) => id !== null)),
      shown: last?.shown ?? new Set(),
      focus: v.focus,
    });
    const at = layout(model, { width: size.width, height: size.height - margin.top - margin.bottom }, last?.layout);
    memory.current = { asked, layout: at, shown: new Set(model.nodes.map((n) => n.key)) };
    return (before.current = { model, layout: at, shapes: shapes(model.edges, at), asked });
  }, [...[0, 1, 2, 3].map((i) => data[i]), level, v.unfolded, v.focus, v.selection, v.chips, v.time, v.brush, rows, sized, size.width, old]);

  const error = answers.find((a) => a.error)?.error as ApiError | undefined;
  return {
    drawn,
    error,
    stale: answers.some(isStale),
    stopped: answers.some(isStopped),
    took: data[0] && Math.round(data.reduce((sum, d) => sum + (d?.took ?? 0), 0)),
  };
}

function askedKey(v: View, rows: number): string {
  // Pausing and paging keep the width, and so the places; a span that nobody chose grows without moving anything.
  const width = v.time.kind === "fixed" ? v.time.to - v.time.from : v.time.span;
  const own = !v.time.chosen && width === v.time.span;
  const time = v.brush ? [v.brush.from, v.brush.to] : own ? "own" : width;
  return JSON.stringify([levelOf(v), query(v.chips), v.focus, v.unfolded, time, rows]);
}

function selected(v: View): string[] {
  if (v.selection?.kind === "node") return [v.selection.id];
  if (v.selection?.kind === "edge") return [v.selection.from, v.selection.to];
  return [];
}
