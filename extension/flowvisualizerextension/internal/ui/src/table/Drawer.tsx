import { ChevronDown, ChevronUp, Columns3, Download } from "lucide-react";
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { apiPath } from "../api/client";
import { useFields, useTotals } from "../api/queries";
import { query } from "../filter/chips";
import { count, range, seconds } from "../format/format";
import { Popover } from "../frame/Popover";
import { shownRange } from "../state/actions";
import type { View } from "../state/url";
import { setView, useView } from "../state/view";
import { chosen } from "./columns";
import { ColumnChooser } from "./ColumnChooser";
import { FlowTable } from "./FlowTable";
import { useRows } from "./useRows";
import { Reading } from "../states/Reading";
import { TableState } from "../states/TableState";

const open = { least: 120, usual: 204 };

export function Drawer() {
  const v = useView();
  const [height, setHeight] = useState(savedHeight);
  const full = v.tab === "flows";
  const shut = !v.drawer && !full;
  return (
    <section className={`drawer ${full ? "full" : ""}`} style={full ? undefined : { height: shut ? 36 : height }} aria-label="flows">
      {!full && !shut && <Grip height={height} setHeight={setHeight} />}
      <DrawerHead v={v} shut={shut} full={full} />
      {!shut && <Body full={full} />}
    </section>
  );
}

function Body({ full }: { full: boolean }) {
  const r = useRows();
  const shown = r.rows.length > 0 && !r.stopped;
  return (
    <div className={`body ${r.stale ? "stale" : ""}`}>
      {shown ? <FlowTable {...r} /> : <TableState rows={r} full={full} />}
      {/* Live flows may come before the stored ones have been read. */}
      {full && (r.stale || (shown && r.loading)) && <Reading />}
    </div>
  );
}

function DrawerHead({ v, shut, full }: { v: View; shut: boolean; full: boolean }) {
  const fields = useFields();
  const columns = chosen(v.columns, fields);
  return (
    <div className="dh">
      <span className="tt">Flows</span>
      <span className="t3"><Extent v={v} /></span>
      <span className="sp" />
      {!shut && (
        <>
          <Popover label="columns" className="btn sm quiet" align="right" up={!full} button={<><Columns3 size={16} aria-hidden />{columns.length} columns</>}>
            {() => <ColumnChooser />}
          </Popover>
          <Exports v={v} />
        </>
      )}
      {!full && (
        <button type="button" className="ib" aria-label={shut ? "open table" : "shut table"} title={`${shut ? "Open" : "Shut"} (d)`} onClick={() => setView({ drawer: shut })}>
          {shut ? <ChevronUp size={16} aria-hidden /> : <ChevronDown size={16} aria-hidden />}
        </button>
      )}
    </div>
  );
}

/** "3,118 in 13:56 – 14:16", or while live "214 since 14:29:12". */
function Extent({ v }: { v: View }) {
  const n = useTotals()?.records;
  const r = shownRange(v);
  const when = v.time.kind === "live" ? `since ${seconds(r.from)}` : `in ${range(r.from, r.to)}`;
  return <>{n === undefined ? "" : `${count(n)} `}{when}</>;
}

function Exports({ v }: { v: View }) {
  const href = (kind: string) => () => {
    const r = shownRange(v);
    return apiPath(`flows.${kind}`, { q: query(v.chips), from: Math.floor(r.from), to: Math.ceil(r.to) });
  };
  const link = (kind: string, label: string) => (
    // The range moves while live, so the address is made when it is used.
    <a href={href(kind)()} download={`flows.${kind}`} onPointerDown={(e) => (e.currentTarget.href = href(kind)())}>{label}</a>
  );
  return <span className="btn sm quiet exports"><Download size={16} aria-hidden />{link("csv", "CSV")} · {link("ndjson", "NDJSON")}</span>;
}

function Grip({ height, setHeight }: { height: number; setHeight: (h: number) => void }) {
  const start = useRef<{ y: number; height: number } | null>(null);
  const bounded = (h: number) => Math.round(Math.min(innerHeight - 420, Math.max(open.least, h)));
  const set = (h: number) => {
    setHeight(bounded(h));
    try {
      localStorage.setItem("drawer", String(bounded(h)));
    } catch {
      // Storage may be switched off; the height then lasts as long as the page.
    }
  };
  const key = (e: KeyboardEvent) => {
    const step = e.key === "ArrowUp" ? 28 : e.key === "ArrowDown" ? -28 : 0;
    if (step === 0) return;
    e.preventDefault();
    set(height + step);
  };
  return (
    <span
      className="drag"
      role="separator"
      aria-orientation="horizontal"
      aria-label="height of the table"
      aria-valuenow={height}
      tabIndex={0}
      onPointerDown={(e: PointerEvent) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        start.current = { y: e.clientY, height };
      }}
      onPointerMove={(e) => start.current && set(start.current.height + start.current.y - e.clientY)}
      onPointerUp={() => (start.current = null)}
      onKeyDown={key}
    />
  );
}

function savedHeight(): number {
  try {
    return Math.max(open.least, Number(localStorage.getItem("drawer")) || open.usual);
  } catch {
    return open.usual;
  }
}
