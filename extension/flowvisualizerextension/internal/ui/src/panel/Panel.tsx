import { X } from "lucide-react";
import type { ReactNode } from "react";
import { range } from "../format/format";
import type { DrawnMap } from "../map/useMap";
import { select, shownRange } from "../state/actions";
import { setView, useView } from "../state/view";
import { Capture } from "./Capture";
import { EdgeDetail } from "./EdgeDetail";
import { FlowDetail } from "./FlowDetail";
import { GettingStarted } from "./GettingStarted";
import { NodeDetail } from "./NodeDetail";

/** The right-hand panel: what is selected, or how to begin. */
export function Panel({ map }: { map: DrawnMap | undefined }) {
  const v = useView();
  const s = v.selection;
  const { title, body } = content();
  const r = shownRange(v);
  return (
    <aside className="panel" aria-label={`${title} details`}>
      <div className="ph">
        <span>{title}</span>
        {s && s.kind !== "capture" && s.kind !== "flow" && v.time.kind === "fixed" && <span>· within {range(r.from, r.to)}</span>}
        <span className="sp" />
        <button type="button" className="ib" aria-label="close panel" title="Close (esc)" onClick={() => (s ? select(null) : setView({ panel: false }))}><X size={16} aria-hidden /></button>
      </div>
      <div className="pbody">{body}</div>
    </aside>
  );

  function content(): { title: string; body: ReactNode } {
    switch (s?.kind) {
      case "edge": return { title: "Edge", body: <EdgeDetail from={s.from} to={s.to} map={map} /> };
      case "node": return { title: "Node", body: <NodeDetail id={s.id} map={map} /> };
      case "flow": return { title: "Flow record", body: <FlowDetail id={s.id} /> };
      case "capture": return { title: "Capture", body: <Capture /> };
      case undefined: return { title: "Getting started", body: <GettingStarted map={map} /> };
    }
  }
}
