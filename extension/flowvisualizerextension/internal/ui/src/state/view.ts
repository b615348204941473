// The view lives in the URL; this keeps React and the address bar in step.

import { useSyncExternalStore } from "react";
import { decode, encode, type View } from "./url";

let view: View = decode(location.search);
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

addEventListener("popstate", () => {
  view = decode(location.search);
  listeners.forEach((l) => l());
});

export function currentView(): View {
  return view;
}

/** Changes the view. Each change is a step of the browser's history unless it replaces the last one. */
export function setView(change: Partial<View>, how: "push" | "replace" = "push"): void {
  const next = { ...view, ...change };
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
