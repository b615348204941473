import { useCallback, useState } from "react";
import { useClusterWatch } from "../api/queries";
import { useStreamConnection } from "../api/stream";
import { Histogram } from "../hist/Histogram";
import { useMap } from "../map/useMap";
import { Panel } from "../panel/Panel";
import { usePanelShown } from "../panel/usePanelShown";
import { QueryBar } from "../query/QueryBar";
import { useView } from "../state/view";
import { Drawer } from "../table/Drawer";
import { Banners } from "./Banners";
import { Footer } from "./Footer";
import { HelpDialog } from "./HelpDialog";
import { useKeys } from "./keys";
import { MapArea } from "./MapArea";
import { TopBar } from "./TopBar";
import { useSize } from "./useSize";
import { FilterTip } from "./Value";

export function App() {
  const v = useView();
  const [help, setHelp] = useState(false);
  const [canvas, size] = useSize<HTMLDivElement>();
  const map = useMap(size);
  const panel = usePanelShown();
  const openHelp = useCallback(() => setHelp(true), []);
  useKeys(openHelp);
  useStreamConnection();
  useClusterWatch();
  return (
    <>
      <TopBar onHelp={openHelp} />
      <QueryBar error={map.error?.code === "bad_query" ? map.error : undefined} />
      <Banners />
      <main className={`work ${panel ? "" : "wide"}`}>
        <div className="left">
          <Histogram />
          {v.tab === "map" && <div className={`canvas ${map.stale ? "stale" : ""}`} ref={canvas}><MapArea map={map} size={size} /></div>}
          <Drawer />
        </div>
        {panel && <Panel map={map.drawn} />}
      </main>
      <Footer map={map} />
      <FilterTip />
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </>
  );
}
