import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useFields } from "../api/queries";
import type { Flow } from "../api/types";
import { select } from "../state/actions";
import { useView } from "../state/view";
import { chosen, type Column } from "./columns";
import { HeadRow } from "./HeadRow";
import type { Rows } from "./useRows";

const rowHeight = 28;

export function FlowTable({ rows, more, loadMore }: Pick<Rows, "rows" | "more" | "loadMore">) {
  const v = useView();
  const fields = useFields();
  const columns = chosen(v.columns, fields);
  const [resizing, setResizing] = useState<{ id: string; width: number } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const widths = resizing ? { ...v.widths, [resizing.id]: resizing.width } : v.widths;
  const wide = useMemo(() => new Set(columns.filter((c) => c.wide && rows.some(c.wide.for)).map((c) => c.id)), [rows, v.columns, fields]);
  const width = (c: Column) => widths[c.id] ?? (wide.has(c.id) ? c.wide!.width : c.width);
  const leastWidth = (c: Column) => widths[c.id] ?? c.least ?? c.width;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12, getItemKey: (i) => String(rows[i]?.["flow.id"] ?? i) });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= rows.length - 20) loadMore();
  }, [last, rows.length, more, loadMore]);
  useSteadyScroll(scroller, rows);

  const growing = columns.filter((c) => c.grow && widths[c.id] === undefined);
  const stretched = growing.length > 0 ? growing : columns.slice(-1);
  const template = columns.map((c) => `minmax(${leastWidth(c)}px, ${stretched.includes(c) ? "1fr" : `${width(c)}px`})`).join(" ");
  const least = columns.reduce((n, c) => n + leastWidth(c), 0);
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
      <HeadRow columns={columns} template={template} minWidth={least} width={width} onResizing={setResizing} />
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
