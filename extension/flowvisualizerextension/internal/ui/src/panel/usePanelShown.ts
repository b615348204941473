import { useSyncExternalStore } from "react";
import { useView } from "../state/view";

/** Below this width the panel lies over the canvas. */
const roomy = matchMedia("(min-width: 1200px)");

/** A selection always shows the panel; without one it stands open where there is room, unless it was shut. */
export function usePanelShown(): boolean {
  const v = useView();
  const wide = useSyncExternalStore(
    (l) => {
      roomy.addEventListener("change", l);
      return () => roomy.removeEventListener("change", l);
    },
    () => roomy.matches,
  );
  return v.selection !== null || (v.panel ?? wide);
}
