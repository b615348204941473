// Why the identity of an end is marked as uncertain, in plain words.

import type { Flow } from "../api/types";

export const uncertainWords: Record<string, string> = {
  ambiguous: "several could be meant",
  conflict: "an earlier observation says something else and was kept",
  forgotten: "the flow is older than what is known of the cluster",
  lagging: "the cluster had not told of the pod yet",
  not_synced: "the cluster had not been seen yet",
  api_unavailable: "the cluster could not be watched",
};

/** The reasons, joined; undefined when all is well. */
export function uncertainty(f: Flow, end: "source" | "destination"): string | undefined {
  const reasons = f[`${end}.k8s.uncertain`];
  if (!Array.isArray(reasons) || reasons.length === 0) return undefined;
  return reasons.map((r) => uncertainWords[r] ?? r.replaceAll("_", " ")).join("; ");
}
