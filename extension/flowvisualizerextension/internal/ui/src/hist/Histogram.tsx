import { Minus, Plus } from "lucide-react";
import { useMemo, useRef, useState, type PointerEvent } from "react";
import { isStale, isStopped } from "../api/cache";
import { now } from "../api/clock";
import { useHistogram, useStatus } from "../api/queries";
import { recordingBegan } from "../api/recording";
import { counted, bytes, range, seconds, short, tick } from "../format/format";
import { useSize } from "../frame/useSize";
import { brush, zoomTime } from "../state/actions";
import { rangeOf, type Range, type Time } from "../state/range";
import { useView } from "../state/view";
import { brushed, layBars, lossRuns, plot, ticks, type Bar, type Bars, type LossRun } from "./scale";

const mostBars = 120;

/** How many bars: none is narrower than the agents' interval, since all of an interval's records may end at once. */
function useBarCount(time: Time): number {
  const intervals = (useStatus().data?.agents ?? []).map((a) => a.intervalSeconds * 1000);
  const width = time.kind === "live" ? time.span : time.to - time.from;
  // One more, since the range begins and ends within a bar.
  return Math.min(mostBars, Math.ceil(width / Math.max(1, ...intervals)) + 1);
}

/** Connections over time. Dragging narrows everything below to a part of it. */
export function Histogram() {
  const v = useView();
  const answer = useHistogram(useBarCount(v.time));
  const unread = isStopped(answer);
  const data = unread ? undefined : answer.data?.data;
  const [ref, size] = useSize<HTMLElement>();
  const domain: Range = useMemo(
    () => (data && v.time.kind === "live" ? { from: Date.parse(data.from), to: Date.parse(data.to) } : rangeOf(v.time, now())),
    [data, v.time],
  );
  const bars = useMemo(() => layBars(data?.buckets ?? [], data?.stepMs ?? 1, domain, size.width), [data, domain, size.width]);
  return (
    <section className={`hist ${isStale(answer) ? "stale" : ""}`} aria-label="flows over time" ref={ref}>
      {size.width > 0 && <Plot bars={bars} stepMs={data?.stepMs ?? 1} domain={domain} width={size.width} live={v.time.kind === "live"} brushedRange={v.brush} loaded={data !== undefined} unread={unread} />}
      <button type="button" className="ib zin" aria-label="zoom in" title="Zoom in (+)" onClick={() => zoomTime("in")}><Plus size={16} aria-hidden /></button>
      <button type="button" className="ib zout" aria-label="zoom out" title="Zoom out (−)" onClick={() => zoomTime("out")}><Minus size={16} aria-hidden /></button>
    </section>
  );
}

interface PlotProps {
  bars: Bars;
  stepMs: number;
  domain: Range;
  width: number;
  live: boolean;
  brushedRange: Range | null;
  loaded: boolean;
  unread: boolean;
}

function Plot({ bars, stepMs, domain, width, live, brushedRange, loaded, unread }: PlotProps) {
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const [hover, setHover] = useState<Bar | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const [left, right] = bars.x.range() as [number, number];
  const at = (e: PointerEvent) => Math.min(right, Math.max(left, e.clientX - svg.current!.getBoundingClientRect().left));
  const down = (e: PointerEvent) => {
    if (e.button !== 0) return;
    e.preventDefault();
    svg.current!.setPointerCapture(e.pointerId);
    setDrag({ from: at(e), to: at(e) });
  };
  const move = (e: PointerEvent) => {
    const x = at(e);
    if (drag) setDrag({ ...drag, to: x });
    setHover(bars.bars.find((b) => x >= b.x && x < b.x + b.width + 2) ?? null);
  };
  const up = () => {
    if (drag) brush(brushed(bars, drag.from, drag.to, stepMs, domain) ?? null);
    setDrag(null);
  };
  const shown = drag ? (brushed(bars, drag.from, drag.to, stepMs, domain) ?? null) : brushedRange;
  const inside = (b: Bar) => !shown || (b.start + stepMs > shown.from && b.start < shown.to);
  return (
    <>
      <svg ref={svg} className="plot" width={width} height={plot.height} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={() => setDrag(null)} onPointerLeave={() => setHover(null)} role="img" aria-label={summary(bars)}>
        <defs>
          <pattern id="hatch-loss" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect width="1.5" height="5" className="f-unk" /></pattern>
        </defs>
        <NotYet bars={bars} domain={domain} />
        <path d={`M${plot.left} ${plot.axis + 0.75}H${right}`} className="axis" />
        <path d={`M${plot.left} ${plot.top + 0.5}H${right}`} className="guide" />
        {loaded && (
          <>
            <text x={52} y={22} textAnchor="end">{short(bars.maxAllow)}</text>
            <text x={52} y={74} textAnchor="end">{short(bars.maxDeny)}</text>
          </>
        )}
        {unread && <text x={(left + right) / 2} y={43} textAnchor="middle">reading was cancelled</text>}
        <text x={52} y={46} textAnchor="end" className="t-allow">allow</text>
        <text x={52} y={60} textAnchor="end" className="t-deny">deny</text>
        {bars.bars.map((b) => (
          <g key={b.start} className={inside(b) ? "" : "dim"}>
            {b.allow.height > 0 && <rect className="f-allow" x={b.x} width={b.width} {...b.allow} />}
            {b.deny.height > 0 && <rect className="f-deny" x={b.x} width={b.width} {...b.deny} />}
          </g>
        ))}
        {lossRuns(bars.bars).map((run) => <LossMark key={run.start} run={run} />)}
        <Ticks bars={bars} domain={domain} left={left} right={right} />
        {live && <path d={`M${right} ${plot.top}V${plot.bottom}`} className="now" />}
        {live && <circle cx={right} cy={plot.top} r={3} className="f-allow" />}
        {shown && <Brush bars={bars} shown={shown} left={left} right={right} />}
      </svg>
      {shown && <span className="brushlab" style={{ left: Math.min(right - 60, Math.max(left + 60, (bars.x(shown.from) + bars.x(shown.to)) / 2)) }}>{range(shown.from, shown.to)}</span>}
      {hover && !drag && <HoverTip bar={hover} stepMs={stepMs} width={width} />}
    </>
  );
}

function summary(bars: Bars): string {
  const sum = (pick: (b: Bar) => number) => bars.bars.reduce((n, b) => n + pick(b), 0);
  return `${counted(sum((b) => b.bucket.allow.connections), "connection")} allowed, ${sum((b) => b.bucket.deny.connections)} denied. Drag to narrow the time.`;
}

/** The part of the range from before the first record. */
function NotYet({ bars, domain }: { bars: Bars; domain: Range }) {
  const status = useStatus().data;
  const began = status && recordingBegan(status);
  if (began === undefined || began <= domain.from) return null;
  const [left, right] = bars.x.range() as [number, number];
  const end = Math.min(right, bars.x(began));
  return (
    <g>
      <rect x={left} y={plot.top} width={end - left} height={plot.bottom - plot.top} className="notyet" />
      {end - left > 110 && <text x={(left + end) / 2} y={43} textAnchor="middle">not recording yet</text>}
      {end < right && <path d={`M${end} ${plot.top}V${plot.bottom}`} className="began" />}
    </g>
  );
}

function LossMark({ run }: { run: LossRun }) {
  const x = run.x + run.width / 2;
  const width = Math.max(4, run.width + 2);
  return (
    <g className="lossmark">
      <title>{`${run.lost} lost at ${seconds(run.start)}`}</title>
      <rect x={x - width / 2} y={plot.top} width={width} height={plot.bottom - plot.top} className="f-surface" />
      <rect x={x - width / 2} y={plot.top} width={width} height={plot.bottom - plot.top} fill="url(#hatch-loss)" />
      <path d={`M${x - 4.5} 8h9l-4.5 7z`} className="f-pred" />
    </g>
  );
}

function Ticks({ bars, domain, left, right }: { bars: Bars; domain: Range; left: number; right: number }) {
  const { at, step } = ticks(domain, right - left);
  return at.map((t) => {
    const x = bars.x(t);
    const anchor = x < left + 24 ? "start" : x > right - 20 ? "end" : "middle";
    return (
      <g key={t}>
        <path d={`M${x} ${plot.bottom}v3`} className="axis" />
        <text x={x} y={84} textAnchor={anchor}>{tick(t, step)}</text>
      </g>
    );
  });
}

function Brush({ bars, shown, left, right }: { bars: Bars; shown: Range; left: number; right: number }) {
  const a = Math.max(left, bars.x(shown.from));
  const b = Math.min(right, bars.x(shown.to));
  return (
    <g className="brush">
      <rect x={a} y={plot.top} width={Math.max(1, b - a)} height={plot.bottom - plot.top + 2} className="area" />
      {[a, b].map((x, i) => (
        <g key={i}>
          <path d={`M${x} ${plot.top}V${plot.bottom + 2}`} />
          <rect x={x - 3} y={37} width={6} height={16} rx={2} className="handle" />
        </g>
      ))}
    </g>
  );
}

function HoverTip({ bar, stepMs, width }: { bar: Bar; stepMs: number; width: number }) {
  const { allow, deny, lost } = bar.bucket;
  return (
    <div className="tip histtip" style={{ left: Math.min(width - 190, Math.max(130, bar.x)) }}>
      {range(bar.start, bar.start + stepMs)}: {counted(allow.connections, "connection")}, {bytes(allow.bytes)}
      {deny.connections > 0 && `, ${deny.connections} denied`}
      {lost > 0 && `, ${lost} lost`}
    </div>
  );
}
