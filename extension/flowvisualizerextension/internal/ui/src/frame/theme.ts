// Light or dark: the saved choice, else the system's. theme.js sets it before
// the first paint by the same rule.

import { useSyncExternalStore } from "react";

const root = document.documentElement;
const listeners = new Set<() => void>();

export function flipTheme(): void {
  const next = root.dataset["theme"] === "dark" ? "light" : "dark";
  root.dataset["theme"] = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Storage may be switched off; the choice then lasts as long as the page.
  }
  listeners.forEach((l) => l());
}

function saved(): boolean {
  try {
    return localStorage.getItem("theme") !== null;
  } catch {
    return false;
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => {
  if (saved()) return;
  root.dataset["theme"] = e.matches ? "dark" : "light";
  listeners.forEach((l) => l());
});

export function useTheme(): "light" | "dark" {
  return useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => (root.dataset["theme"] === "dark" ? "dark" : "light"),
  );
}
