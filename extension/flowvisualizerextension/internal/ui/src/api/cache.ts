// The cache of answers, and what a person can do about those that take long.

import { QueryClient, type Query, type UseQueryResult } from "@tanstack/react-query";
import { ApiError } from "./client";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      // The server may be on this machine, which answers without any network.
      networkMode: "always",
      staleTime: 1000,
      retry: (failures, e) => e instanceof ApiError && e.code === "unreachable" && failures < 1,
      retryDelay: 500,
    },
  },
});

/** Marks the questions about the chosen range: the store may read long for them. */
export const reading = { reading: true };

const isReading = (q: Query) => q.meta === reading;

/** Gives up every first answer that is still awaited. The server stops too, since it sees the connection close. */
export function stopReading(): void {
  void client.cancelQueries({ predicate: (q) => isReading(q) && q.state.data === undefined });
}

export function readAgain(): void {
  void client.refetchQueries({ type: "active", predicate: (q) => isReading(q) && (q.state.error !== null || wasStopped(q)) });
}

export function wasStopped(q: { state: { data: unknown; error: unknown; fetchStatus: string } }): boolean {
  return q.state.data === undefined && q.state.error === null && q.state.fetchStatus === "idle";
}

/** Whether what was asked was given up, so that what is there, if anything, is the answer to an earlier question. */
export function isStopped(r: Pick<UseQueryResult, "isEnabled" | "isError" | "isPending" | "isPlaceholderData" | "fetchStatus">): boolean {
  return r.isEnabled && !r.isError && (r.isPending || r.isPlaceholderData) && r.fetchStatus === "idle";
}

/** Whether an earlier answer is shown while the one that was asked for is read. */
export function isStale(r: Pick<UseQueryResult, "isPlaceholderData" | "isFetching">): boolean {
  return r.isPlaceholderData && r.isFetching;
}
