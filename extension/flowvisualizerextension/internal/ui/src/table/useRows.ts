import { useMemo } from "react";
import { isStale, isStopped } from "../api/cache";
import { useFlowPages } from "../api/queries";
import { useStream } from "../api/stream";
import type { Flow } from "../api/types";
import { now } from "../api/clock";
import { useView } from "../state/view";

export interface Rows {
  rows: readonly Flow[];
  more: boolean;
  loading: boolean;
  /** The rows are those that were asked for before; the next are being read. */
  stale: boolean;
  /** A person has given up reading. */
  stopped: boolean;
  error: Error | null;
  loadMore: () => void;
}

/** Stored pages with the live stream's rows in front, each record once. */
export function useRows(): Rows {
  const v = useView();
  const stream = useStream();
  const pages = useFlowPages(stream.epoch);
  const live = v.time.kind === "live";
  const since = v.time.kind === "live" ? now() - v.time.span : 0;
  const rows = useMemo(() => {
    const stored = pages.data?.pages.flatMap((p) => p.flows) ?? [];
    if (!live) return stored;
    const seen = new Set(stream.rows.map((f) => f["flow.id"]));
    return [...stream.rows.filter((f) => Date.parse(String(f["flow.end"])) >= since), ...stored.filter((f) => !seen.has(f["flow.id"]))];
    // since moves with every render; rows are cut by it only when they change.
  }, [pages.data, stream.rows, live]);
  return {
    rows,
    more: pages.hasNextPage,
    loading: pages.isPending,
    stale: isStale(pages),
    stopped: isStopped(pages),
    error: pages.error,
    loadMore: () => {
      if (pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage();
    },
  };
}
