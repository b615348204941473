import { Crosshair, ListFilter, ZoomIn } from "lucide-react";
import { useGroups } from "../api/queries";
import type { Measures } from "../api/types";
import { type End, entityAbout, entityFilter, entityName, kindOf } from "../map/entity";
import { levels, opens } from "../map/levels";
import { plain, type MapEdge } from "../map/model";
import { bytesOf, totalsOf, type Totals } from "../map/totals";
import type { DrawnMap } from "../map/useMap";
import { bytes, count } from "../format/format";
import { DenyMark } from "../frame/icons";
import { addFilter, drill, focusOn, select } from "../state/actions";
import { hasCluster, levelOf, useView } from "../state/view";
import { FoldDetail } from "./FoldDetail";
import { groupOf, OneEnd } from "./Ends";
import { Health, Outcomes, Ports, Section, Sparkline, Stats } from "./sections";

export function NodeDetail({ id, map }: { id: string; map: DrawnMap | undefined }) {
  const v = useView();
  const part = entityFilter(id, "either");
  const { data } = useGroups(["flow.action"], part, "bytes", 3);
  const calling = useEnd(id, "source");
  const called = useEnd(id, "destination");
  if (!part) {
    const fold = map?.model.nodes.find((n) => n.key === id);
    return <FoldDetail fold={fold} totals={fold?.totals} />;
  }
  const totals = data && calling && called && ownTotals(totalsOf(data.data.total), totalsOf(calling), totalsOf(called));
  const edges = map?.model.edges.filter((e) => plain(e.from) === id || plain(e.to) === id) ?? [];
  const next = opens(id, levelOf(v));
  return (
    <>
      <OneEnd id={id} group={groupOf(map, id)} detail={kindOf(id) === "process" && !hasCluster() ? "process on this machine" : entityAbout(id)} />
      <Section>
        {totals && <Stats totals={totals} />}
        <Sparkline part={part} />
        {totals && <Health totals={totals} />}
        <div className="row acts">
          <button type="button" className="btn sm" onClick={() => addFilter(part)}><ListFilter size={14} aria-hidden />Filter</button>
          <button type="button" className="btn sm" onClick={() => focusOn(v.focus === id ? null : id)}><Crosshair size={14} aria-hidden />{v.focus === id ? "Show all" : "Neighbours"} <kbd>f</kbd></button>
          {next && <button type="button" className="btn sm" onClick={() => drill(id)}><ZoomIn size={14} aria-hidden />{levels[next].label} <kbd>e</kbd></button>}
        </div>
      </Section>
      <Peers title="Calls" edges={edges.filter((e) => plain(e.from) === id)} other={(e) => e.to} />
      <Peers title="Called by" edges={edges.filter((e) => plain(e.to) === id)} other={(e) => e.from} />
      <Ports part={part} />
      {totals && <Outcomes totals={totals} />}
    </>
  );
}

/** What comes to one of its ends: nothing where it cannot stand. */
function useEnd(id: string, end: End): Measures | undefined {
  const part = entityFilter(id, end);
  const answer = useGroups(["flow.action"], part, "bytes", 3, part !== undefined);
  return part ? answer.data?.data.total : { records: 0, sums: {}, denied: 0 };
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
  return key.startsWith("fold|") ? "folded ones" : entityName(plain(key));
}
