// How far back the recording goes.

import type { Status } from "./types";

/** When the oldest record was made or, if that was earlier, an agent began; undefined before either. */
export function recordingBegan(status: Status): number | undefined {
  const known = [status.store.oldest, ...(status.agents ?? []).map((a) => a.started)].map((t) => Date.parse(t ?? "")).filter((t) => !Number.isNaN(t));
  return known.length > 0 ? Math.min(...known) : undefined;
}
