import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { useFields } from "../api/queries";
import type { Flow } from "../api/types";
import { select } from "../state/actions";
import { useView } from "../state/view";
import { chosen, type Column } from "./columns";
import type { Rows } from "./useRows";

const rowHeight = 28;

export function FlowTable({ rows, more, loadMore }: Pick<Rows, "rows" | "more" | "loadMore">) {
  const v = useView();
  const fields = useFields();
  const columns = chosen(v.columns, fields);
  const [widths, setWidths] = useState<Record<string, number>>({});
  const scroller = useRef<HTMLDivElement>(null);
  const width = (c: Column) => widths[c.id] ?? c.width;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12, getItemKey: (i) => String(rows[i]?.["flow.id"] ?? i) });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= rows.length - 20) loadMore();
  }, [last, rows.length, more, loadMore]);
  useSteadyScroll(scroller, rows);

  const growing = columns.filter((c) => c.grow && widths[c.id] === undefined);
  const stretched = growing.length > 0 ? growing : columns.slice(-1);
  const template = columns.map((c) => (stretched.includes(c) ? `minmax(${width(c)}px, 1fr)` : `${width(c)}px`)).join(" ");
  const least = columns.reduce((n, c) => n + width(c), 0);
  const chosenId = v.selection?.kind === "flow" ? v.selection.id : null;
  const open = (f: Flow) => select({ kind: "flow", id: String(f["flow.id"]) });
  const key = (e: KeyboardEvent, index: number) => {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (e.key === "Enter" && e.target === e.currentTarget) open(rows[index]!);
    else if (step !== 0) {
      virtual.scrollToIndex(Math.max(0, index + step));
      requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${index + step}"]`)?.focus());
    } else return;
    e.preventDefault();
  };
  return (
    <div className="table" role="grid" aria-label="flows" aria-rowcount={rows.length + 1} ref={scroller}>
      <div className="tr head" role="row" style={{ gridTemplateColumns: template, minWidth: least }}>
        {columns.map((c) => (
          <Head key={c.id} column={c} width={width(c)} resize={(w) => setWidths((old) => ({ ...old, [c.id]: w }))} />
        ))}
      </div>
      <div className="rows" role="rowgroup" style={{ height: virtual.getTotalSize(), minWidth: least }}>
        {items.map((item) => {
          const f = rows[item.index]!;
          const on = chosenId !== null && f["flow.id"] === chosenId;
          return (
            <div key={item.key} className={`tr ${on ? "sel" : ""}`} role="row" aria-rowindex={item.index + 2} aria-selected={on} data-index={item.index} tabIndex={item.index === items[0]?.index || on ? 0 : -1} style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }} onClick={() => open(f)} onKeyDown={(e) => key(e, item.index)}>
              {columns.map((c) => <div key={c.id} role="gridcell" className={c.number ? "td num" : "td"}>{c.cell(f)}</div>)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface HeadProps {
  column: Column;
  width: number;
  resize: (width: number) => void;
}

const narrowest = 44;

function Head({ column, width, resize }: HeadProps) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const sorted = column.id === "time";
  const down = (e: PointerEvent) => {
    e.currentTarget.setPointerCapture(e.pointerId);
    start.current = { x: e.clientX, width };
  };
  const move = (e: PointerEvent) => {
    if (start.current) resize(Math.max(narrowest, start.current.width + e.clientX - start.current.x));
  };
  const key = (e: KeyboardEvent) => {
    if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
    e.preventDefault();
    resize(Math.max(narrowest, width + (e.key === "ArrowRight" ? 16 : -16)));
  };
  return (
    <div className={column.number ? "th num" : "th"} role="columnheader" title={column.about} aria-sort={sorted ? "descending" : undefined}>
      <span className="cut">{column.title}</span>
      {sorted && <ArrowDown size={12} aria-hidden />}
      <span className="grip" role="separator" aria-orientation="vertical" aria-label={`width of ${column.title}`} aria-valuenow={Math.round(width)} tabIndex={0} onPointerDown={down} onPointerMove={move} onPointerUp={() => (start.current = null)} onKeyDown={key} />
    </div>
  );
}

/** Rows that arrive above do not push what a person is reading, once they have scrolled. */
function useSteadyScroll(scroller: React.RefObject<HTMLDivElement | null>, rows: readonly Flow[]): void {
  const first = useRef<{ id: unknown; length: number }>({ id: undefined, length: 0 });
  useEffect(() => {
    const node = scroller.current;
    const before = first.current;
    first.current = { id: rows[0]?.["flow.id"], length: rows.length };
    if (!node || node.scrollTop < rowHeight || before.id === undefined || before.id === first.current.id) return;
    const added = rows.findIndex((f) => f["flow.id"] === before.id);
    if (added > 0) node.scrollTop += added * rowHeight;
  }, [rows, scroller]);
}
