// The live stream: new flows for the table, the count of those that wait
// while the view is paused, and each agent's latest sign of life.

import { useEffect, useSyncExternalStore } from "react";
import { query } from "../filter/chips";
import { useView } from "../state/view";
import { apiPath } from "./client";
import { now } from "./clock";
import type { Agent, Flow } from "./types";

/** More new rows than this are not kept; the table can page back to them. */
const keepRows = 2000;

export interface StreamState {
  connected: boolean;
  /** Newest first, since live began or the filter changed. */
  rows: readonly Flow[];
  /** Flows that came while paused. */
  waiting: number;
  agents: ReadonlyMap<string, Agent>;
  /** Flows per second over the last ten seconds; undefined until ten seconds have been seen. */
  rate: number | undefined;
  /** Flows that the server left out because this page was too slow. */
  dropped: number;
  /** Changes whenever rows start anew. */
  epoch: number;
}

let state: StreamState = { connected: false, rows: [], waiting: 0, agents: new Map(), rate: undefined, dropped: 0, epoch: 0 };
const listeners = new Set<() => void>();
let arrivals: { at: number; n: number }[] = [];

function publish(change: Partial<StreamState>): void {
  state = { ...state, ...change };
  listeners.forEach((l) => l());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useStream(): StreamState {
  return useSyncExternalStore(subscribe, () => state);
}

/** Keeps one connection open for the current filter. Used once, by the frame. */
export function useStreamConnection(): void {
  const v = useView();
  const q = query(v.chips);
  const live = v.time.kind === "live";

  useEffect(() => {
    if (live) publish({ rows: [], waiting: 0, epoch: state.epoch + 1 });
  }, [live, q]);

  useEffect(() => {
    const source = new EventSource(apiPath("stream", { q }));
    arrivals = [];
    source.onopen = () => {
      listening = now();
      publish({ connected: true });
    };
    source.onerror = () => publish({ connected: false });
    source.addEventListener("flows", (e) => receive((JSON.parse((e as MessageEvent<string>).data) as { flows: Flow[] }).flows, live));
    source.addEventListener("agent", (e) => {
      const agent = JSON.parse((e as MessageEvent<string>).data) as Agent;
      publish({ agents: new Map(state.agents).set(agent.host, agent), rate: rate() });
    });
    source.addEventListener("dropped", (e) => {
      publish({ dropped: state.dropped + (JSON.parse((e as MessageEvent<string>).data) as { count: number }).count });
    });
    return () => source.close();
  }, [q, live]);
}

function receive(flows: Flow[], live: boolean): void {
  arrivals.push({ at: now(), n: flows.length });
  if (!live) return publish({ waiting: state.waiting + flows.length, rate: rate() });
  const newest = [...flows].sort((a, b) => (String(a["flow.end"]) < String(b["flow.end"]) ? 1 : -1));
  publish({ rows: [...newest, ...state.rows].slice(0, keepRows), rate: rate() });
}

const rateWindow = 10_000;

let listening = 0;

function rate(): number | undefined {
  const since = now() - rateWindow;
  if (listening === 0 || listening > since) return undefined;
  arrivals = arrivals.filter((a) => a.at > since);
  return arrivals.reduce((sum, a) => sum + a.n, 0) / (rateWindow / 1000);
}
