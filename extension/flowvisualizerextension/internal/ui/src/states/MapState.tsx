// What stands in the canvas when there is no map: what happened, what is
// still true, and the one sensible thing to do.

import { Clock, ListFilter, TriangleAlert } from "lucide-react";
import type { ApiError } from "../api/client";
import { now } from "../api/clock";
import { useStatus, useUnfiltered } from "../api/queries";
import { serialise } from "../filter/grammar";
import { counted, range, span } from "../format/format";
import { clearFilters, goLive, removeChip, select, shownRange, switchChip, zoomTime } from "../state/actions";
import { useView } from "../state/view";
import { silent } from "../frame/silence";
import { Reading, Shorter, TryAgain } from "./Reading";

export function Loading() {
  return (
    <div className="loading" aria-label="loading the map">
      <div className="progress"><i /></div>
      <svg width="580" height="220" aria-hidden="true">
        <path d="M164 92C200 92 200 28 236 28M164 92C200 92 200 110 236 110M164 92C200 92 200 192 236 192M356 110C386 110 386 68 416 68M356 192C386 192 386 150 416 150" />
        {[[44, 74], [236, 10], [236, 92], [236, 174], [416, 50], [416, 132]].map(([x, y]) => <rect key={`${x} ${y}`} className="sk" x={x} y={y} width={120} height={36} rx={6} />)}
      </svg>
      <Reading quick />
    </div>
  );
}

export function Failed({ error }: { error: ApiError }) {
  const v = useView();
  const slow = error.code === "timeout";
  const bad = error.code === "bad_query";
  const r = shownRange(v);
  const last = v.chips.findLastIndex((c) => !c.off);
  return (
    <div className="state" role="alert">
      <TriangleAlert className="big c-deny" size={24} strokeWidth={1.25} aria-hidden />
      <h4>{title(error)}</h4>
      <p>{slow ? `The range is ${span(r.to - r.from)}. Nothing was changed.` : error.message}</p>
      <div className="row">
        {slow && <Shorter main />}
        {bad && last >= 0 && <button type="button" className="btn sm pri" onClick={() => switchChip(last)}>Switch the last filter off</button>}
        <TryAgain main={!slow && !bad} />
        {(bad || v.chips.length > 0) && <button type="button" className="btn sm quiet" onClick={clearFilters}>Clear all filters</button>}
      </div>
      <p className="mono t3 code">{error.status > 0 ? `${error.status} ` : ""}{error.code}</p>
    </div>
  );
}

function title(error: ApiError): string {
  switch (error.code) {
    case "unreachable": return "The server does not answer";
    case "timeout": return "The store did not answer in time";
    case "store_unavailable": return "The store is not available";
    case "bad_query": return "A filter cannot be read";
    default: return "The server could not answer";
  }
}

export function Empty() {
  const v = useView();
  const status = useStatus().data;
  const filtered = v.chips.some((c) => !c.off);
  const { data } = useUnfiltered(filtered);
  if (filtered) return <NoMatch records={data?.data.total.records} />;
  if (status && !status.store.newest && !status.store.records) return <Waiting />;
  return <Quiet />;
}

function NoMatch({ records }: { records: number | undefined }) {
  const v = useView();
  const on = v.chips.filter((c) => !c.off).length;
  const last = v.chips.findLastIndex((c) => !c.off);
  return (
    <div className="state" role="status">
      <ListFilter className="big" size={24} strokeWidth={1.25} aria-hidden />
      <h4>No flows match {on === 1 ? "this filter" : `these ${on} filters`}</h4>
      <p>
        {records === undefined ? "" : records > 0 ? `${counted(records, "flow record was", "flow records were")} made in this time without ${on === 1 ? "it" : "them"}.` : "Nothing was recorded in this time without filters either."}
        {on > 1 && " The last one may be too much:"}
      </p>
      <div className="row">
        <span className="chip"><span className="val">{serialise(v.chips[last]!.expr)}</span></span>
        <button type="button" className="btn sm" onClick={() => switchChip(last)}>Switch it off</button>
        <button type="button" className="btn sm quiet" onClick={() => removeChip(last)}>Remove it</button>
        {on > 1 && <button type="button" className="btn sm quiet" onClick={clearFilters}>Clear all</button>}
      </div>
    </div>
  );
}

function Waiting() {
  const agents = useStatus().data?.agents ?? [];
  const recording = agents.filter((a) => !silent(a, now())).length;
  const interval = Math.max(1, ...agents.map((a) => a.intervalSeconds));
  return (
    <div className="state" role="status">
      <Clock className="big" size={24} strokeWidth={1.25} aria-hidden />
      <h4>Waiting for the first flow</h4>
      <p>{agents.length === 0 ? "No agent has reported yet." : `${counted(recording, "agent is", "agents are")} recording.`} The first records arrive about {interval} s after the first connection.</p>
      <div className="row"><button type="button" className="btn sm" onClick={() => select({ kind: "capture" })}>What is captured</button></div>
    </div>
  );
}

function Quiet() {
  const v = useView();
  const r = shownRange(v);
  return (
    <div className="state" role="status">
      <Clock className="big" size={24} strokeWidth={1.25} aria-hidden />
      <h4>Nothing was recorded in this time</h4>
      <p>No flow record ends in {range(r.from, r.to)}.</p>
      <div className="row">
        <button type="button" className="btn sm" onClick={() => zoomTime("out")}>Twice the time</button>
        <button type="button" className="btn sm" onClick={() => goLive(24 * 3_600_000)}>Last 24 hours</button>
      </div>
    </div>
  );
}
