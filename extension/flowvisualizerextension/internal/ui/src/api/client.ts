// One function asks the server; every answer carries how long it took.

/** What the server said was wrong. code is "unreachable" when it did not answer at all. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    readonly field?: string,
    /** Byte offset in the filter, for code bad_query. */
    readonly offset?: number,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export type Params = Record<string, string | number | undefined>;

export interface Timed<T> {
  data: T;
  /** Milliseconds from request to parsed answer. */
  took: number;
}

export function apiPath(path: string, params: Params = {}): string {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (v !== undefined && v !== "") p.set(k, String(v));
  }
  const search = p.toString();
  return `api/v1/${path}${search ? `?${search}` : ""}`;
}

export async function get<T>(path: string, params: Params, signal?: AbortSignal): Promise<Timed<T>> {
  const began = performance.now();
  let answer: Response;
  try {
    answer = await fetch(apiPath(path, params), { signal: signal ?? null, headers: { Accept: "application/json" } });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError("unreachable", "The server does not answer. Is otelcol-flowlogs still running?", 0);
  }
  if (!answer.ok) throw await errorOf(answer);
  const data = (await answer.json()) as T;
  return { data, took: performance.now() - began };
}

async function errorOf(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => undefined);
  const e = (body as { error?: { code?: string; message?: string; field?: string; offset?: number } } | undefined)?.error;
  return new ApiError(e?.code ?? "internal", e?.message ?? `The server answered ${answer.status}.`, answer.status, e?.field, e?.offset);
}
