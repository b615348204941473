// The keyboard: one table for the help and one listener for the page.

import { useEffect } from "react";
import { brush, drill, focusOn, pageTime, select, toggleLive, zoomTime } from "../state/actions";
import { currentView, setView } from "../state/view";
import { flipTheme } from "./theme";

export const keyTable = [
  { keys: ["/"], what: "Filter" },
  { keys: ["space"], what: "Pause or resume live" },
  { keys: ["←", "→"], what: "Page time by one range" },
  { keys: ["+", "−"], what: "Zoom time in and out" },
  { keys: ["f"], what: "Leave only the selected node's neighbours, and back" },
  { keys: ["e"], what: "Open the selected node: what is inside, one level down" },
  { keys: ["0"], what: "Fit the map" },
  { keys: ["d"], what: "Open or shut the flow table" },
  { keys: ["alt", "←", "→"], what: "Move the table's column whose name has the focus" },
  { keys: ["p"], what: "Open or shut the panel" },
  { keys: ["t"], what: "Light or dark" },
  { keys: ["y"], what: "Copy the link to this view" },
  { keys: ["r"], what: "Try again what failed or was cancelled" },
  { keys: ["esc"], what: "Cancel a long reading, else drop selection, focus, brush" },
  { keys: ["?"], what: "This list" },
];

/** Fired at the map by its key and by its button. */
export const fitMap = new EventTarget();

export function useKeys(onHelp: () => void): void {
  useEffect(() => {
    const down = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
      const target = e.target as HTMLElement;
      if (target.closest("input, textarea, select, dialog, [role=dialog], [role=separator]")) return;
      if (e.key === " " && target.closest("button, a, [role=button]")) return;
      if ((e.key === "ArrowLeft" || e.key === "ArrowRight") && target.closest("[role=radiogroup], [role=grid]")) return;
      if (press(e.key, onHelp)) e.preventDefault();
    };
    document.addEventListener("keydown", down);
    return () => document.removeEventListener("keydown", down);
  }, [onHelp]);
}

function press(key: string, onHelp: () => void): boolean {
  const v = currentView();
  const node = v.selection?.kind === "node" ? v.selection.id : null;
  const cancel = document.getElementById("cancel");
  switch (key) {
    case "/": document.getElementById("search")?.focus(); return true;
    case " ": toggleLive(); return true;
    case "ArrowLeft": pageTime(-1); return true;
    case "ArrowRight": if (v.time.kind === "fixed") pageTime(1); return true;
    case "+": case "=": zoomTime("in"); return true;
    case "-": case "−": zoomTime("out"); return true;
    case "f":
      if (v.focus) focusOn(null);
      else if (node) focusOn(node);
      return true;
    case "e": if (node) drill(node); return true;
    case "0": fitMap.dispatchEvent(new Event("fit")); return true;
    case "d": setView({ drawer: !v.drawer }); return true;
    case "p": document.querySelector<HTMLElement>("[aria-label=panel]")?.click(); return true;
    case "t": flipTheme(); return true;
    case "y": document.getElementById("copy-link")?.click(); return true;
    case "r": document.querySelector<HTMLElement>(".again")?.click(); return true;
    case "?": onHelp(); return true;
    case "Escape":
      if (cancel) cancel.click();
      else if (v.selection) select(null);
      else if (v.focus) focusOn(null);
      else if (v.brush) brush(null);
      return true;
    default: return false;
  }
}
