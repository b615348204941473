import { useTotals } from "../api/queries";
import { counted } from "../format/format";
import type { MapState } from "../map/useMap";
import { useView } from "../state/view";

const keys = [
  ["/", "filter"],
  ["space", "pause"],
  ["f", "focus node"],
  ["t", "theme"],
  ["?", "all keys"],
] as const;

export function Footer({ map }: { map: MapState }) {
  const v = useView();
  const records = useTotals()?.records;
  return (
    <footer className="foot">
      {keys.map(([key, what]) => <span key={key}><kbd>{key}</kbd>{what}</span>)}
      <span className="sp" />
      <span id="counts">
        {v.tab === "map" && map.drawn && !map.stopped && `${counted(map.drawn.model.entities, "endpoint")}, ${counted(map.drawn.model.edges.length, "edge")}, `}
        {records !== undefined && counted(records, "flow")}
      </span>
      <span title="A connection that both its ends report is counted by the source's report">each flow counted once</span>
      {map.took !== undefined && <span title="Time of the last answer">{map.took} ms</span>}
    </footer>
  );
}
