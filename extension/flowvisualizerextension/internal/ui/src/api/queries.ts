// Every question the screen asks, as hooks. While live they ask again every
// two seconds, or less often when the store needs longer.

import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { query } from "../filter/chips";
import { any, cond, type Expr, serialise } from "../filter/grammar";
import { levels, type Question } from "../map/levels";
import { shownRange } from "../state/actions";
import { rangeOf, spanFor, type Range } from "../state/range";
import type { View } from "../state/url";
import { currentView, hasCluster, levelOf, setCluster, setOwnSpan, useView } from "../state/view";
import { isStopped, reading, wasStopped } from "./cache";
import { get, type Params, type Timed } from "./client";
import { now, serverTime } from "./clock";
import { recordingBegan } from "./recording";
import type { Field, FlowPage, Groups, Histogram, Losses, Measures, Status, Values } from "./types";

const beat = 2000;

type Which = "shown" | "whole";

function rangeKey(v: View, which: Which): unknown {
  if (v.time.kind === "live") return ["live", v.time.span];
  return which === "shown" && v.brush ? [v.brush.from, v.brush.to] : [v.time.from, v.time.to];
}

function rangeNow(which: Which): Range {
  const v = currentView();
  return which === "shown" ? shownRange(v) : rangeOf(v.time, now());
}

function useRanged<T>(path: string, params: Params, which: Which = "shown", enabled = true): UseQueryResult<Timed<T>> {
  const v = useView();
  return useQuery({
    queryKey: [path, params, rangeKey(v, which)],
    queryFn: ({ signal }) => get<T>(path, { ...params, ...rounded(rangeNow(which)) }, signal),
    meta: reading,
    refetchInterval: (q) => (v.time.kind === "live" && !wasStopped(q) ? Math.max(beat, 4 * (q.state.data?.took ?? 0)) : false),
    placeholderData: keepPreviousData,
    enabled,
  });
}

function rounded(r: Range): { from: number; to: number } {
  return { from: Math.floor(r.from), to: Math.ceil(r.to) };
}

const statusEvery = 5000;

/** The server's state. It sets the clock, and the span where none was chosen. */
export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: async ({ signal }) => {
    const { data } = await get<Status>("status", {}, signal);
    serverTime(data.now);
    const began = recordingBegan(data);
    // As long as the recording will be when this is asked next.
    if (began !== undefined) setOwnSpan(spanFor(now() - began + statusEvery));
    return data;
  },
  refetchInterval: statusEvery,
});

export function useStatus(): UseQueryResult<Status> {
  return useQuery(statusQuery);
}

const noFields: Field[] = [];

export function useFields(): Field[] {
  const q = useQuery({
    queryKey: ["fields"],
    queryFn: async ({ signal }) => (await get<{ fields: Field[] }>("fields", {}, signal)).data.fields,
    staleTime: Infinity,
  });
  return q.data ?? noFields;
}

const mapLimit = 1000;

type Answer<T> = UseQueryResult<Timed<T>>;

/** What the map is made of: the largest allowed groups, and apart from them the denied ones, which are small in bytes. */
export function useMapGroups(): Answer<Groups>[] {
  const { questions } = levels[levelOf(useView())];
  // Hooks are called alike at every level, so that one with a single question leaves the second unasked.
  const [first, second] = [useQuestion(questions[0]), useQuestion(questions[1])];
  return questions.length > 1 ? [...first, ...second] : first;
}

function useQuestion(question: Question | undefined): [allowed: Answer<Groups>, denied: Answer<Groups>] {
  const v = useView();
  const by = [...(question?.by ?? []), "destination.port"];
  const denied: Expr = { kind: "cond", field: "flow.action", op: "=", values: ["deny"] };
  const allowed: Expr = { kind: "cond", field: "flow.action", op: "!=", values: ["deny"] };
  const enabled = v.tab === "map" && question !== undefined;
  return [
    useRanged<Groups>("groups", { by: by.join(","), sort: "bytes", limit: mapLimit, q: query(v.chips, question?.of, allowed) }, "shown", enabled),
    useRanged<Groups>("groups", { by: [...by, "flow.deny.class"].join(","), sort: "denied", limit: mapLimit / 2, q: query(v.chips, question?.of, denied) }, "shown", enabled),
  ];
}

const clusterEvery = 10_000;

/** Whether any record of the chosen time says who stands at an end in a cluster. It is asked until one does. */
export const clusterQuery = (v: View) =>
  queryOptions({
    queryKey: ["cluster", rangeKey(v, "whole")],
    queryFn: async ({ signal }) => {
      const { data } = await get<Values>("values", { field: "flow.action", limit: 1, q: "either.k8s.namespace.name exists", ...rounded(rangeNow("whole")) }, signal);
      if (data.values.length > 0) setCluster();
      return null;
    },
    refetchInterval: v.time.kind === "live" ? clusterEvery : false,
    staleTime: clusterEvery,
  });

/** Used once, by the frame. */
export function useClusterWatch(): void {
  const v = useView();
  useQuery({ ...clusterQuery(v), enabled: !hasCluster() });
}

/** What all flows that match the chips come to; undefined until that is known. */
export function useTotals(): Measures | undefined {
  const answer = useGroups(["flow.action"], undefined, "bytes", 3);
  return isStopped(answer) ? undefined : answer.data?.data.total;
}

/** Groups of the flows that match the chips and part. */
export function useGroups(by: string[], part: Expr | undefined, sort = "bytes", limit = 20, enabled = true): UseQueryResult<Timed<Groups>> {
  const v = useView();
  return useRanged<Groups>("groups", { by: by.join(","), sort, limit, q: query(v.chips, part) }, "shown", enabled);
}

export function useHistogram(buckets: number, part?: Expr): UseQueryResult<Timed<Histogram>> {
  const v = useView();
  return useRanged<Histogram>("histogram", { buckets, q: query(v.chips, part) }, part ? "shown" : "whole");
}

export function useLosses(): UseQueryResult<Timed<Losses>> {
  return useRanged<Losses>("losses", {}, "whole");
}

const coarse: Expr = any(cond("flow.folded", "exists"), cond("flow.aggregation.level", "=", "overflow"), cond("flow.sampling.rate", "exists"))!;

/** The records that tell less apart than they were asked to, or stand for others that were left out. */
export function useCoarse(): UseQueryResult<Timed<Groups>> {
  return useRanged<Groups>("groups", { by: "flow.aggregation.level,flow.sampling.rate", sort: "bytes", limit: 100, q: serialise(coarse) }, "whole");
}

/** How many records there are without any filter; asked only when the filtered view is empty. */
export function useUnfiltered(enabled: boolean): UseQueryResult<Timed<Groups>> {
  return useRanged<Groups>("groups", { by: "flow.action", limit: 2 }, "shown", enabled);
}

export function useValues(field: string | undefined, prefix: string): UseQueryResult<Timed<Values>> {
  return useRanged<Values>("values", { field: field ?? "", prefix, limit: 12 }, "shown", field !== undefined);
}

const pageSize = 200;

interface PageParam extends Range {
  cursor?: string;
}

/** The table's records, newest first, page by page. epoch starts them anew, for when live resumes. */
export function useFlowPages(epoch: number) {
  const v = useView();
  const params = { q: query(v.chips), limit: pageSize };
  return useInfiniteQuery({
    queryKey: ["flows", params, rangeKey(v, "shown"), epoch],
    initialPageParam: null as PageParam | null,
    queryFn: async ({ pageParam, signal }) => {
      const range = pageParam ?? rounded(rangeNow("shown"));
      const cursor = pageParam?.cursor;
      const { data } = await get<FlowPage>("flows", { ...params, from: range.from, to: range.to, cursor }, signal);
      return { ...data, range };
    },
    getNextPageParam: (last) => (last.next === undefined ? undefined : { from: last.range.from, to: last.range.to, cursor: last.next }),
    meta: reading,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

/** One record by its id, whenever it was. */
export function useFlow(id: string): UseQueryResult<FlowPage> {
  const v = useView();
  return useQuery({
    queryKey: ["flow", id],
    queryFn: async ({ signal }) => {
      const range = rounded(shownRange(v));
      const q = query([{ off: false, expr: { kind: "cond", field: "flow.id", op: "=", values: [id] } }]);
      return (await get<FlowPage>("flows", { q, limit: 1, reporter: "all", ...range }, signal)).data;
    },
    staleTime: Infinity,
  });
}
