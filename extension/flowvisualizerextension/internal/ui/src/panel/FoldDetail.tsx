import { Layers } from "lucide-react";
import { count } from "../format/format";
import { entityName } from "../map/entity";
import type { MapNode } from "../map/model";
import type { Totals } from "../map/totals";
import { select, unfold } from "../state/actions";
import { Outcomes, Section, Stats } from "./sections";

const shown = 100;

/** What a fold holds; each can be taken out of it by selecting it. */
export function FoldDetail({ fold, totals }: { fold: MapNode | undefined; totals: Totals | undefined }) {
  if (!fold) return <p className="note t3">This fold holds nothing in the chosen time.</p>;
  return (
    <>
      <div className="ends"><div className="rail"><Layers className="i" size={16} aria-hidden /></div><div className="ep"><b>{count(fold.folded.length)} folded</b><div>the smallest by bytes</div></div></div>
      <Section>
        {totals && <Stats totals={totals} />}
        <div className="row acts"><button type="button" className="btn sm" onClick={() => unfold(fold.key.slice("fold|".length))}>Draw them</button></div>
      </Section>
      <Section title="Inside" {...(fold.folded.length > shown ? { note: `the largest ${shown}` } : {})}>
        <ul className="peers">
          {fold.folded.slice(0, shown).map((e) => (
            <li key={e.id}><button type="button" onClick={() => select({ kind: "node", id: e.id })}><span className={e.kind === "address" ? "mono" : ""}>{entityName(e.id)}</span></button></li>
          ))}
        </ul>
      </Section>
      {totals && <Outcomes totals={totals} />}
    </>
  );
}
