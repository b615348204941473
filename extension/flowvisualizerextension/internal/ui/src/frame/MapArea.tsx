import { useState } from "react";
import { LevelBar, readable, TooMany } from "../map/MapTools";
import { MapView } from "../map/MapView";
import type { MapState } from "../map/useMap";
import { Empty, Failed, Loading } from "../states/MapState";
import { Reading, Stopped } from "../states/Reading";
import { useView } from "../state/view";

interface MapAreaProps {
  map: MapState;
  size: { width: number; height: number };
}

export function MapArea({ map, size }: MapAreaProps) {
  const v = useView();
  const [drawAll, setDrawAll] = useState(false);
  const { drawn, error } = map;
  if (error) return <><LevelBar /><Failed error={error} /></>;
  if (map.stopped) return <><LevelBar /><Stopped /></>;
  if (!drawn) return <Loading />;
  if (drawn.model.nodes.length === 0) return <><LevelBar /><Empty /></>;
  if (drawn.model.nodes.length > readable && v.unfolded.length > 0 && !drawAll) {
    return <><LevelBar folded={drawn.model.folded} /><TooMany drawn={drawn} onDraw={() => setDrawAll(true)} /></>;
  }
  return <><MapView drawn={drawn} size={size} />{map.stale && <Reading />}</>;
}
