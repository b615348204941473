// The view lives in the URL; this keeps React and the address bar in step.

import { useSyncExternalStore } from "react";
import type { LevelId } from "../map/entity";
import { usualSpan } from "./range";
import { decode, encode, type View } from "./url";

/** The span where none was chosen. */
let ownSpan = usualSpan;
let view: View = decode(location.search);
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

addEventListener("popstate", () => {
  view = withOwnSpan(decode(location.search));
  listeners.forEach((l) => l());
});

function withOwnSpan(v: View): View {
  // While time stands still the span is the one that it stood still with.
  const follows = v.time.kind === "live" && !v.time.chosen;
  return !follows || v.time.span === ownSpan ? v : { ...v, time: { ...v.time, span: ownSpan } };
}

/** Sets the span where none was chosen; it is not in the URL, since it follows the recording. */
export function setOwnSpan(span: number): void {
  ownSpan = span;
  const next = withOwnSpan(view);
  if (next === view) return;
  view = next;
  listeners.forEach((l) => l());
}

/** Whether records were seen that say who stands at their ends in a cluster. */
let cluster = false;

/** From now on a cluster's levels are offered. It is not in the URL either. */
export function setCluster(): void {
  if (cluster) return;
  cluster = true;
  view = { ...view };
  listeners.forEach((l) => l());
}

export function hasCluster(): boolean {
  return cluster;
}

/** The level where none was chosen. */
export function usualLevel(): LevelId {
  return cluster ? "workload" : "process";
}

/** The level that the map is drawn by. */
export function levelOf(v: View): LevelId {
  return v.level ?? usualLevel();
}

export function currentView(): View {
  return view;
}

/** Changes the view. Each change is a step of the browser's history unless it replaces the last one. */
export function setView(change: Partial<View>, how: "push" | "replace" = "push"): void {
  const next = withOwnSpan({ ...view, ...change });
  const before = encode(view);
  const after = encode(next);
  view = next;
  if (after !== before) {
    const url = `${location.pathname}${after ? `?${after}` : ""}`;
    if (how === "push") history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  }
  listeners.forEach((l) => l());
}

export function useView(): View {
  return useSyncExternalStore(subscribe, currentView);
}
