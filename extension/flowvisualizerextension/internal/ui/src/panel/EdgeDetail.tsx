import { ListFilter } from "lucide-react";
import { useGroups } from "../api/queries";
import type { Group } from "../api/types";
import { all, type Expr } from "../filter/grammar";
import { edgeFilters, type End, entityAbout, kindOf } from "../map/entity";
import { plain } from "../map/model";
import { totalsOf } from "../map/totals";
import type { DrawnMap } from "../map/useMap";
import { addFilter } from "../state/actions";
import { Ends, groupOf } from "./Ends";
import { FoldDetail } from "./FoldDetail";
import { Health, merged, Outcomes, Ports, Processes, Section, Sparkline, Stats } from "./sections";

export function EdgeDetail({ from, to, map }: { from: string; to: string; map: DrawnMap | undefined }) {
  const parts = edgeFilters(from, to);
  if (from.startsWith("fold|") || to.startsWith("fold|") || !parts) {
    const fold = map?.model.nodes.find((n) => n.key === (from.startsWith("fold|") ? from : to));
    const edge = map?.model.edges.find((e) => plain(e.from) === from && plain(e.to) === to);
    return <FoldDetail fold={fold} totals={edge?.totals} />;
  }
  return <Known from={from} to={to} parts={parts} map={map} />;
}

function Known({ from, to, parts, map }: { from: string; to: string; parts: Expr[]; map: DrawnMap | undefined }) {
  const part = all(...parts)!;
  const { data } = useGroups(["network.transport"], part);
  const totals = data && totalsOf(data.data.total);
  const { groups: sources } = useGroups(["source.address"], part, "bytes", 1).data?.data ?? {};
  const { groups: destinations } = useGroups(["destination.address"], part, "bytes", 1).data?.data ?? {};
  const address = (end: End, groups: readonly Group[] | undefined) => groups?.[0] && String(groups[0].key[`${end}.address`] ?? (merged(groups[0]) ? "several addresses" : "…"));
  const where = (id: string, at: string | undefined, word: string) => (kindOf(id) === "process" ? `process at ${at ?? "…"}, ${word}` : `${entityAbout(id)}, ${word}`);
  return (
    <>
      <Ends from={from} to={to} groups={[groupOf(map, from), groupOf(map, to)]} details={[where(from, address("source", sources), "caller"), where(to, address("destination", destinations), "called")]} />
      <Section>
        {totals && <Stats totals={totals} />}
        <Sparkline part={part} />
        {totals && <Health totals={totals} />}
        <div className="row acts"><button type="button" className="btn sm" onClick={() => addFilter(...parts)}><ListFilter size={14} aria-hidden />Only this edge</button></div>
      </Section>
      <Ports part={part} />
      <Processes part={part} />
      {totals && <Outcomes totals={totals} />}
    </>
  );
}
