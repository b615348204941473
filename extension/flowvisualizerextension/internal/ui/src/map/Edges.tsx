import { useMemo } from "react";
import { DenyMark } from "../frame/icons";
import { select } from "../state/actions";
import type { Selection } from "../state/url";
import { allowLabel, denyLabels } from "./describe";
import type { EdgeShape, Point } from "./geometry";
import { labelRect, labelSpot, loopRect, samples, type Rect } from "./labels";
import { nodeHeight } from "./sizes";
import { plain, type MapEdge } from "./model";
import type { DrawnMap } from "./useMap";

interface EdgesProps {
  drawn: DrawnMap;
  lit: ReadonlySet<string>;
  hovered: string | null;
  selection: Selection | null;
  onHover: (key: string | null) => void;
}

export function Edges({ drawn, lit, hovered, selection, onHover }: EdgesProps) {
  const labels = useMemo(() => place(drawn, lit), [drawn, lit]);
  const choose = (e: MapEdge) => select({ kind: "edge", from: plain(e.from), to: plain(e.to) });
  const isSelected = (e: MapEdge) => selection?.kind === "edge" && selection.from === plain(e.from) && selection.to === plain(e.to);
  const dim = hovered !== null && lit.size > 0;
  return (
    <>
      <svg className="edges" aria-hidden="true">
        {[...drawn.model.edges].reverse().map((e) => {
          const s = drawn.shapes.get(e.key);
          if (!s) return null;
          return (
            <g key={e.key} className={`edge ${dim && !lit.has(e.key) ? "faint" : ""}`} data-edge={e.key} onClick={() => choose(e)} onMouseEnter={() => onHover(e.key)} onMouseLeave={() => onHover(null)}>
              {isSelected(e) && <Halo shape={s} />}
              <Lines shape={s} />
            </g>
          );
        })}
      </svg>
      {labels.map((l) => (
        <button type="button" key={`${l.edge.key} ${l.kind}`} tabIndex={-1} className={`elab nopan ${l.kind === "deny" ? "deny" : "bare"} ${isSelected(l.edge) ? "sel" : ""}`} style={{ left: l.at.x, top: l.at.y }} onClick={() => choose(l.edge)} onMouseEnter={() => onHover(l.edge.key)} onMouseLeave={() => onHover(null)}>
          {l.kind === "deny" && <DenyMark size={12} />}
          {l.text}
        </button>
      ))}
    </>
  );
}

function Halo({ shape }: { shape: EdgeShape }) {
  const path = (shape.allow ?? shape.deny)!.path;
  return <path className="e halo" d={path} strokeWidth={shape.width + 10} />;
}

function Lines({ shape }: { shape: EdgeShape }) {
  return (
    <>
      {shape.allow && <path className="hit" d={shape.allow.path} strokeWidth={Math.max(14, shape.width + 6)} />}
      {shape.deny && <path className="hit" d={shape.deny.path} strokeWidth={14} />}
      {shape.allow && <path className="e" d={shape.allow.path} strokeWidth={shape.width} />}
      {shape.allow && <path className="ah" d={shape.allow.end} />}
      {shape.deny && <path className="e deny" d={shape.deny.path} strokeWidth={2.25} />}
      {shape.deny && <path className="stop" d={shape.deny.end} />}
    </>
  );
}

interface Label {
  edge: MapEdge;
  kind: "allow" | "deny";
  text: string;
  at: Point;
}

/** Edges beyond these are labelled only under the pointer or when selected. */
const largest = 8;
const mostDenied = 6;

function place(drawn: DrawnMap, lit: ReadonlySet<string>): Label[] {
  const { edges } = drawn.model;
  const denied = edges.filter((e) => e.totals.denied > 0).sort((a, b) => b.totals.denied - a.totals.denied);
  const wanted: { edge: MapEdge; kind: Label["kind"] }[] = [
    ...denied.filter((e, i) => i < mostDenied || lit.has(e.key)).map((edge) => ({ edge, kind: "deny" as const })),
    ...edges.filter((e) => lit.has(e.key)).map((edge) => ({ edge, kind: "allow" as const })),
    ...edges.slice(0, largest).filter((e) => !lit.has(e.key)).map((edge) => ({ edge, kind: "allow" as const })),
  ];
  const taken: Rect[] = [...drawn.layout.nodes.values()].map((n) => ({ x: n.x, y: n.y, width: n.width, height: nodeHeight }));
  for (const g of drawn.layout.groups) taken.push({ x: g.x, y: g.y, width: g.width, height: 26 });
  for (const s of drawn.shapes.values()) taken.push(...[s.allow, s.deny].flatMap((line) => (line && loopRect(line)) ?? []));
  const points = [...drawn.shapes.values()].flatMap((s) => [s.allow, s.deny].flatMap((line) => (line ? samples(line).map((p) => ({ ...p, line })) : [])));
  const labels: Label[] = [];
  for (const { edge, kind } of wanted) {
    const shape = drawn.shapes.get(edge.key)?.[kind];
    if (!shape) continue;
    const lift = kind === "deny" ? 0 : 10 + drawn.shapes.get(edge.key)!.width / 2;
    // What was refused, and what a person points at, is labelled even in a crowd.
    const most = kind === "deny" || lit.has(edge.key) ? Infinity : 2;
    const lines = kind === "deny" ? points.filter((p) => p.line !== shape) : points;
    for (const text of kind === "deny" ? denyLabels(edge) : [allowLabel(edge)]) {
      const width = text.length * 6.2 + (kind === "deny" ? 32 : 8);
      const at = labelSpot(shape, width, lift, { taken, frames: drawn.layout.groups, lines, most });
      if (!at) continue;
      taken.push(labelRect(at, width));
      labels.push({ edge, kind, text, at });
      break;
    }
  }
  return labels;
}
