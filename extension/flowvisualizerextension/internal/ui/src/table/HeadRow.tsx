import { ArrowDown } from "lucide-react";
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { currentView, setView } from "../state/view";
import { setColumns, type Column } from "./columns";
import { isBeside, moved, nearestGap } from "./order";

interface HeadRowProps {
  columns: readonly Column[];
  template: string;
  minWidth: number;
  width: (c: Column) => number;
  /** While a hairline is dragged; the view has the width when it is let go. */
  onResizing: (width: { id: string; width: number } | null) => void;
}

interface Drag {
  id: string;
  startX: number;
  /** null until the pointer has moved far enough to mean it. */
  gap: number | null;
}

const meant = 4;

/** The names of the columns: dragged, or moved with alt and an arrow, they change places. */
export function HeadRow({ columns, template, minWidth, width, onResizing }: HeadRowProps) {
  const row = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const ids = columns.map((c) => c.id);
  const put = (id: string, gap: number) => setColumns(moved(ids, id, gap));

  const down = (e: PointerEvent, id: string) => {
    if (e.button !== 0) return;
    e.currentTarget.setPointerCapture(e.pointerId);
    setDrag({ id, startX: e.clientX, gap: null });
  };
  const move = (e: PointerEvent) => {
    if (!drag || (drag.gap === null && Math.abs(e.clientX - drag.startX) < meant)) return;
    setDrag({ ...drag, gap: nearestGap(edges(row.current!), e.clientX) });
  };
  const up = () => {
    if (drag && drag.gap !== null) put(drag.id, drag.gap);
    setDrag(null);
  };
  const key = (e: KeyboardEvent, at: number) => {
    if (e.target !== e.currentTarget) return;
    if (e.key === "Escape" && drag) setDrag(null);
    else if (e.altKey && e.key === "ArrowLeft") put(ids[at]!, Math.max(0, at - 1));
    else if (e.altKey && e.key === "ArrowRight") put(ids[at]!, Math.min(ids.length, at + 2));
    else return;
    e.preventDefault();
  };

  const target = drag && drag.gap !== null && !isBeside(ids, drag.id, drag.gap) ? drag.gap : null;
  return (
    <div className={`tr head ${drag && drag.gap !== null ? "dragging" : ""}`} role="row" ref={row} style={{ gridTemplateColumns: template, minWidth }}>
      {columns.map((c, at) => (
        <div
          key={c.id}
          className={`th ${c.number ? "num" : ""} ${drag?.id === c.id && drag.gap !== null ? "held" : ""}`}
          role="columnheader"
          title={`${c.about}. Drag it, or press alt with ← or →, to move it.`}
          aria-sort={c.id === "time" ? "descending" : undefined}
          aria-keyshortcuts="Alt+ArrowLeft Alt+ArrowRight"
          tabIndex={0}
          onPointerDown={(e) => down(e, c.id)}
          onPointerMove={move}
          onPointerUp={up}
          onPointerCancel={() => setDrag(null)}
          onKeyDown={(e) => key(e, at)}
        >
          <span className="cut">{c.title}</span>
          {c.id === "time" && <ArrowDown size={12} aria-hidden />}
          <Hairline column={c} width={width(c)} onResizing={onResizing} />
        </div>
      ))}
      {target !== null && <i className="drop" style={{ left: edges(row.current!)[target]! - row.current!.getBoundingClientRect().left }} />}
    </div>
  );
}

function edges(row: HTMLElement): number[] {
  const heads = [...row.querySelectorAll("[role=columnheader]")].map((h) => h.getBoundingClientRect());
  return [...heads.map((h) => h.left), heads.at(-1)!.right];
}

const narrowest = 44;

/** Sets the width of the column left of it; a double click gives it back its usual one. */
function Hairline({ column, width, onResizing }: { column: Column; width: number; onResizing: HeadRowProps["onResizing"] }) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const shown = (e: { currentTarget: Element }) => e.currentTarget.parentElement!.getBoundingClientRect().width;
  const at = (e: PointerEvent) => Math.round(Math.max(narrowest, start.current!.width + e.clientX - start.current!.x));
  const set = (px: number) => setView({ widths: { ...currentView().widths, [column.id]: px } }, "replace");
  const reset = () => {
    const { [column.id]: _, ...others } = currentView().widths;
    setView({ widths: others }, "replace");
  };
  const down = (e: PointerEvent) => {
    e.stopPropagation();
    e.currentTarget.setPointerCapture(e.pointerId);
    start.current = { x: e.clientX, width: shown(e) };
  };
  const move = (e: PointerEvent) => {
    if (start.current && e.clientX !== start.current.x) onResizing({ id: column.id, width: at(e) });
  };
  const up = (e: PointerEvent) => {
    if (start.current && e.clientX !== start.current.x) set(at(e));
    start.current = null;
    onResizing(null);
  };
  const key = (e: KeyboardEvent) => {
    if (e.altKey || (e.key !== "ArrowLeft" && e.key !== "ArrowRight")) return;
    e.preventDefault();
    set(Math.round(Math.max(narrowest, shown(e) + (e.key === "ArrowRight" ? 16 : -16))));
  };
  return (
    <span className="grip" role="separator" aria-orientation="vertical" aria-label={`width of ${column.title}`} aria-valuenow={width} tabIndex={0} onPointerDown={down} onPointerMove={move} onPointerUp={up} onDoubleClick={reset} onKeyDown={key} />
  );
}
