import { ChevronRight, Crosshair, Layers, Maximize, Minus, Plus, X } from "lucide-react";
import { useReactFlow } from "@xyflow/react";
import { usePlace } from "../api/place";
import { count } from "../format/format";
import { clearFilters, focusOn } from "../state/actions";
import { hasCluster, levelOf, setView, usualLevel, useView } from "../state/view";
import { entityName } from "./entity";
import { levelIds, levels } from "./levels";
import type { DrawnMap } from "./useMap";

export function MapTools({ drawn, fit }: { drawn: DrawnMap; fit: () => void }) {
  const flow = useReactFlow();
  return (
    <>
      <LevelBar folded={drawn.model.folded} />
      <Legend drawn={drawn} />
      <div className="zoom" role="group" aria-label="map zoom">
        <button type="button" className="ib" aria-label="make smaller" title="Smaller" onClick={() => void flow.zoomOut()}><Minus size={16} aria-hidden /></button>
        <button type="button" className="ib" aria-label="fit" title="Fit (0)" onClick={fit}><Maximize size={14} aria-hidden /></button>
        <button type="button" className="ib" aria-label="make larger" title="Larger" onClick={() => void flow.zoomIn()}><Plus size={16} aria-hidden /></button>
      </div>
    </>
  );
}

/** Where one is, the level switch, and what is left out of the drawing. */
export function LevelBar({ folded = 0 }: { folded?: number }) {
  const v = useView();
  const { host, cluster } = usePlace();
  const level = levels[levelOf(v)];
  // What a link asks for is offered too, so that one sees where one is.
  const offered = levelIds.filter((id) => hasCluster() || !levels[id].cluster || id === level.id);
  const on = v.chips.filter((c) => !c.off).length;
  return (
    <div className="ctool">
      <nav className="crumb" aria-label="place">
        <button type="button" className="lnk" title="All of it" onClick={() => { clearFilters(); setView({ level: null }, "replace"); }}>{hasCluster() ? cluster : host}</button>
        <ChevronRight size={12} aria-hidden />
        <b>{on === 0 ? `all ${level.many}` : `${level.many}, ${on === 1 ? "1 filter" : `${on} filters`}`}</b>
      </nav>
      <div className="seg" role="group" aria-label="level">
        {offered.map((id) => (
          <button type="button" key={id} className={id === level.id ? "on" : ""} aria-pressed={id === level.id} onClick={() => setView({ level: id === usualLevel() ? null : id })}>{levels[id].label}</button>
        ))}
      </div>
      <span className="sp" />
      {v.focus && (
        <button type="button" className="pill on" onClick={() => focusOn(null)} title="Show all again (f)">
          <Crosshair size={12} aria-hidden />neighbours of {entityName(v.focus)}<X size={12} aria-hidden />
        </button>
      )}
      {v.unfolded.length > 0 && (
        <button type="button" className="pill on" onClick={() => setView({ unfolded: [] })}><Layers size={12} aria-hidden />fold small ones again</button>
      )}
      {folded > 0 && <FoldPill folded={folded} />}
    </div>
  );
}

function FoldPill({ folded }: { folded: number }) {
  return <span className="pill" title="Double-click a fold to open it"><Layers size={12} aria-hidden />{count(folded)} small ones folded</span>;
}

function Legend({ drawn }: { drawn: DrawnMap }) {
  const denied = drawn.model.edges.some((e) => e.totals.denied > 0);
  return (
    <div className="legend" aria-hidden="true">
      <span><svg width="28" height="10"><path className="e" d="M0 5h20" strokeWidth="3" /><path className="ah" d="M28 5l-9-5v10z" /></svg>allowed</span>
      {denied && <span><svg width="28" height="12"><path className="e deny" d="M0 6h22" strokeWidth="2" /><path className="stop" d="M25 1v10" /></svg>denied</span>}
      <span className="t3">width: bytes, logarithmic</span>
    </div>
  );
}

/** What to do when an opened fold holds more than anyone can read. */
export const readable = 300;

export function TooMany({ drawn, onDraw }: { drawn: DrawnMap; onDraw: () => void }) {
  const v = useView();
  return (
    <div className="state" role="status">
      <Layers className="big" size={24} strokeWidth={1.25} aria-hidden />
      <h4>{count(drawn.model.nodes.length)} {levels[levelOf(v)].many}: too many to draw</h4>
      <p>Fold the small ones again, search for a name, or select one and leave only its neighbours. The table shows them all.</p>
      <div className="row">
        <button type="button" className="btn sm" onClick={() => setView({ unfolded: [] })}>Fold again</button>
        <button type="button" className="btn sm" onClick={() => document.getElementById("search")?.focus()}>Find <kbd>/</kbd></button>
        <button type="button" className="btn sm" onClick={() => setView({ tab: "flows" })}>Table</button>
        <button type="button" className="btn sm quiet" onClick={onDraw}>Draw anyway</button>
      </div>
    </div>
  );
}
