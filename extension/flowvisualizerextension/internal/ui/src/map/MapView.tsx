import { ReactFlow, ReactFlowProvider, useReactFlow, ViewportPortal, type NodeTypes } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { usePlace } from "../api/place";
import { fitMap } from "../frame/keys";
import { drill, select, unfold } from "../state/actions";
import type { Selection } from "../state/url";
import { levelOf, useView } from "../state/view";
import { groupDetail, groupTitle } from "./describe";
import { Edges } from "./Edges";
import { EntityNode, GroupNode, type EntityFlowNode, type GroupFlowNode } from "./nodes";
import { MapTools } from "./MapTools";
import { margin, type DrawnMap } from "./useMap";
import type { GroupBox } from "./layout";
import { nodeHeight } from "./sizes";
import { plain, type MapNode } from "./model";

const nodeTypes: NodeTypes = { entity: EntityNode, box: GroupNode };

interface MapViewProps {
  drawn: DrawnMap;
  size: { width: number; height: number };
}

export function MapView(props: MapViewProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

const Canvas = memo(function Canvas({ drawn, size }: MapViewProps) {
  const v = useView();
  const { host, hosts, cluster } = usePlace();
  const level = levelOf(v);
  const [hovered, setHovered] = useState<string | null>(null);
  const lit = useMemo(() => litEdges(drawn, v.selection, hovered), [drawn, v.selection, hovered]);
  const nodes = useMemo(() => toNodes(drawn, v.selection, (box) => ({ title: groupTitle(box, level, host, cluster), detail: groupDetail(box, drawn.model, hosts) })), [drawn, v.selection, level, host, hosts, cluster]);
  const { fit, moved } = useFit(drawn, size);

  return (
    <>
      <ReactFlow
        nodes={nodes}
        edges={[]}
        nodeTypes={nodeTypes}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        minZoom={0.15}
        maxZoom={2}
        zoomOnDoubleClick={false}
        proOptions={{ hideAttribution: true }}
        onMoveStart={(e) => e && moved()}
        onNodeClick={(_, n) => n.type === "entity" && selectNode(n.data.node)}
        onNodeDoubleClick={(_, n) => n.type === "entity" && open(n.data.node)}
        onNodeMouseEnter={(_, n) => setHovered(n.type === "entity" ? n.id : null)}
        onNodeMouseLeave={() => setHovered(null)}
        onPaneClick={() => v.selection && select(null)}
        aria-label="map of who talks to whom"
      >
        <ViewportPortal>
          <Edges drawn={drawn} lit={lit} hovered={hovered} selection={v.selection} onHover={setHovered} />
        </ViewportPortal>
      </ReactFlow>
      <MapTools drawn={drawn} fit={fit} />
    </>
  );
});

function selectNode(n: MapNode): void {
  if (n.entity) select({ kind: "node", id: n.entity.id });
  else select({ kind: "node", id: n.key });
}

function open(n: MapNode): void {
  if (n.entity) drill(n.entity.id);
  else unfold(n.key.slice("fold|".length));
}

/** The edges that belong to what is selected or under the pointer. */
function litEdges(drawn: DrawnMap, selection: Selection | null, hovered: string | null): ReadonlySet<string> {
  const lit = new Set<string>();
  for (const e of drawn.model.edges) {
    if (e.key === hovered || e.from === hovered || e.to === hovered) lit.add(e.key);
    if (selection?.kind === "edge" && plain(e.from) === selection.from && plain(e.to) === selection.to) lit.add(e.key);
    if (selection?.kind === "node" && (plain(e.from) === selection.id || plain(e.to) === selection.id)) lit.add(e.key);
  }
  return lit;
}

function toNodes(drawn: DrawnMap, selection: Selection | null, head: (box: GroupBox) => { title: string; detail: string }): (EntityFlowNode | GroupFlowNode)[] {
  const isSelected = (key: string) =>
    selection?.kind === "node" ? plain(key) === selection.id : selection?.kind === "edge" ? plain(key) === selection.from || plain(key) === selection.to : false;
  const groups = drawn.layout.groups.map((box): GroupFlowNode => ({ id: box.key, type: "box", position: { x: box.x, y: box.y }, width: box.width, height: box.height, data: head(box), zIndex: -1, selectable: false }));
  const denied = new Set(drawn.model.edges.filter((e) => e.totals.denied > 0).map((e) => e.from));
  const entities = drawn.model.nodes
    .map((node) => ({ node, at: drawn.layout.nodes.get(node.key)! }))
    .sort((a, b) => a.at.column - b.at.column || a.at.y - b.at.y)
    .map(({ node, at }): EntityFlowNode => {
      const data = { node, selected: isSelected(node.key), denied: denied.has(node.key) };
      return { id: node.key, type: "entity", position: { x: at.x, y: at.y }, width: at.width, height: nodeHeight, data, zIndex: 2 };
    });
  return [...groups, ...entities];
}

/** Fits the map when it is asked for anew or the canvas changes, unless a person has moved it. */
function useFit(drawn: DrawnMap, size: { width: number; height: number }): { fit: () => void; moved: () => void } {
  const flow = useReactFlow();
  const byHand = useRef(false);
  const { layout } = drawn;
  const extent = `${layout.width} ${layout.height}`;
  const fit = useCallback(() => {
    byHand.current = false;
    const top = Math.min(0, ...layout.groups.map((g) => g.y));
    const room = { width: size.width - 2 * margin.side, height: size.height - margin.top - margin.bottom };
    const zoom = Math.max(0.15, Math.min(1, room.width / layout.width, room.height / layout.height));
    const x = margin.side + (room.width - layout.width * zoom) / 2;
    const y = margin.top + Math.max(0, (room.height - layout.height * zoom) / 2) - top * zoom;
    void flow.setViewport({ x: Math.round(x), y: Math.round(y), zoom });
  }, [flow, layout, size.width, size.height]);
  const latest = useRef(fit);
  latest.current = fit;
  useEffect(() => {
    latest.current();
  }, [drawn.asked, size.width, size.height]);
  useEffect(() => {
    // What still fits between the tools and the legend stays where it is, so that
    // a refresh does not move the map.
    const { x, y, zoom } = flow.getViewport();
    const bottom = size.height - margin.bottom;
    const inside = layout.groups.every((g) => x + g.x * zoom >= 0 && y + g.y * zoom >= 0 && x + (g.x + g.width) * zoom <= size.width && y + (g.y + g.height) * zoom <= bottom);
    if (!byHand.current && !inside) latest.current();
  }, [extent]);
  useEffect(() => {
    const listener = () => latest.current();
    fitMap.addEventListener("fit", listener);
    return () => fitMap.removeEventListener("fit", listener);
  }, []);
  return { fit, moved: () => (byHand.current = true) };
}
