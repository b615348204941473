import { Crosshair, ListFilter, ZoomIn } from "lucide-react";
import { useGroups } from "../api/queries";
import { entityFilter, entityTitle, levels } from "../map/levels";
import { bytesOf, plain, totalsOf, type MapEdge, type Totals } from "../map/model";
import type { DrawnMap } from "../map/useMap";
import { bytes, count } from "../format/format";
import { DenyMark } from "../frame/icons";
import { addFilter, drill, focusOn, select } from "../state/actions";
import { useView } from "../state/view";
import { FoldDetail } from "./FoldDetail";
import { groupOf, OneEnd } from "./Ends";
import { Health, Outcomes, Ports, Section, Sparkline, Stats } from "./sections";

export function NodeDetail({ id, map }: { id: string; map: DrawnMap | undefined }) {
  const v = useView();
  const part = entityFilter(id, "either");
  const { data } = useGroups(["flow.action"], part, "bytes", 3);
  const calling = useGroups(["flow.action"], entityFilter(id, "source"), "bytes", 3).data?.data.total;
  const called = useGroups(["flow.action"], entityFilter(id, "destination"), "bytes", 3).data?.data.total;
  if (!part) {
    const fold = map?.model.nodes.find((n) => n.key === id);
    return <FoldDetail fold={fold} totals={fold?.totals} />;
  }
  const totals = data && calling && called && ownTotals(totalsOf(data.data.total), totalsOf(calling), totalsOf(called));
  const edges = map?.model.edges.filter((e) => plain(e.from) === id || plain(e.to) === id) ?? [];
  const next = levels[v.level].next;
  return (
    <>
      <OneEnd id={id} group={groupOf(map, id)} detail={id.startsWith("p:") ? "process on this machine" : "address"} />
      <Section>
        {totals && <Stats totals={totals} />}
        <Sparkline part={part} />
        {totals && <Health totals={totals} />}
        <div className="row acts">
          <button type="button" className="btn sm" onClick={() => addFilter(part)}><ListFilter size={14} aria-hidden />Filter</button>
          <button type="button" className="btn sm" onClick={() => focusOn(v.focus === id ? null : id)}><Crosshair size={14} aria-hidden />{v.focus === id ? "Show all" : "Neighbours"} <kbd>f</kbd></button>
          {next && <button type="button" className="btn sm" onClick={() => drill(id)}><ZoomIn size={14} aria-hidden />Addresses <kbd>e</kbd></button>}
        </div>
      </Section>
      <Peers title="Calls" edges={edges.filter((e) => plain(e.from) === id)} other={(e) => e.to} />
      <Peers title="Called by" edges={edges.filter((e) => plain(e.to) === id)} other={(e) => e.from} />
      <Ports part={part} />
      {totals && <Outcomes totals={totals} />}
    </>
  );
}

/** What this entity sent and received itself, be it the caller or the one called. */
function ownTotals(all: Totals, calling: Totals, called: Totals): Totals {
  return { ...all, sent: calling.sent + called.received, received: calling.received + called.sent };
}

const shown = 8;

function Peers({ title, edges, other }: { title: string; edges: MapEdge[]; other: (e: MapEdge) => string }) {
  if (edges.length === 0) return null;
  return (
    <Section title={title} {...(edges.length > shown ? { note: `${shown} of ${edges.length}` } : {})}>
      <ul className="peers">
        {edges.slice(0, shown).map((e) => (
          <li key={e.key}>
            <button type="button" onClick={() => select({ kind: "edge", from: plain(e.from), to: plain(e.to) })}>
              <span className="cut">{name(other(e))}</span>
              {e.totals.denied > 0 && <span className="c-deny row tight"><DenyMark size={12} />{count(e.totals.denied)}</span>}
              <span className="num t2">{bytes(bytesOf(e.totals))}</span>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function name(key: string): string {
  return key.startsWith("fold|") ? "folded ones" : entityTitle(plain(key));
}
