import { ChevronDown, ChevronLeft, ChevronRight, Clock, Pause, Play } from "lucide-react";
import { useEffect, useState, type FormEvent } from "react";
import { useStatus } from "../api/queries";
import { useStream } from "../api/stream";
import { now } from "../api/clock";
import { Popover } from "../frame/Popover";
import { count, dateTime, range, span } from "../format/format";
import { goLive, goTo, pageTime, toggleLive } from "../state/actions";
import { presets, rangeOf, type Time } from "../state/range";
import { useView } from "../state/view";

export function TimeRange() {
  const { time } = useView();
  return (
    <span className="grp">
      <button type="button" className="btn ico" aria-label="earlier" title="Earlier (←)" onClick={() => pageTime(-1)}><ChevronLeft size={16} aria-hidden /></button>
      <Popover label="time range" align="right" button={<><Clock size={16} aria-hidden />{timeLabel(time)}<ChevronDown size={12} aria-hidden /></>}>
        {(close) => <RangePicker time={time} close={close} />}
      </Popover>
      <button type="button" className="btn ico" aria-label="later" title="Later (→)" disabled={time.kind === "live"} onClick={() => pageTime(1)}><ChevronRight size={16} aria-hidden /></button>
    </span>
  );
}

function timeLabel(t: Time): string {
  if (t.kind === "fixed") return range(t.from, t.to);
  return presets.find((p) => p.span === t.span)?.label ?? `Last ${span(t.span)}`;
}

function RangePicker({ time, close }: { time: Time; close: () => void }) {
  const shown = rangeOf(time, now());
  const [from, setFrom] = useState(dateTime(shown.from));
  const [to, setTo] = useState(dateTime(shown.to));
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const r = { from: Date.parse(from.replace(" ", "T")), to: Date.parse(to.replace(" ", "T")) };
    if (Number.isNaN(r.from) || Number.isNaN(r.to)) return setProblem("Write times as 2026-05-04 14:30:00.");
    if (r.from >= r.to) return setProblem("The start must be before the end.");
    goTo(r);
    close();
  };
  return (
    <div className="ranges">
      <div className="presets" role="group" aria-label="presets">
        {presets.map((p) => (
          <button type="button" key={p.span} aria-pressed={time.kind === "live" && time.span === p.span} onClick={() => { goLive(p.span); close(); }}>
            {p.label}
          </button>
        ))}
      </div>
      <form onSubmit={submit}>
        <label>From<input className="mono" value={from} onChange={(e) => setFrom(e.target.value)} /></label>
        <label>To<input className="mono" value={to} onChange={(e) => setTo(e.target.value)} /></label>
        {problem && <p className="c-deny" role="alert">{problem}</p>}
        <button type="submit" className="btn sm pri">Show this range</button>
        <p className="t3">Local time. A fixed range does not move.</p>
      </form>
    </div>
  );
}

export function LiveControl() {
  const { time } = useView();
  const stream = useStream();
  const behind = useBehind();
  if (time.kind === "live") {
    return (
      <span className="grp">
        <button type="button" className="btn live" onClick={toggleLive} aria-label="live, pause" title="Pause (space)">
          <i className={`dot ${stream.connected ? "" : "off"}`} />
          Live<span className="t3 thin behind">{stream.connected ? behind : "connecting"}</span>
        </button>
        <button type="button" className="btn ico" aria-label="pause" title="Pause (space)" onClick={toggleLive}><Pause className="solid" size={14} aria-hidden /></button>
      </span>
    );
  }
  return (
    <span className="grp">
      <button type="button" className="btn" onClick={toggleLive} title="Resume (space)"><Play size={14} aria-hidden />Resume live</button>
      <button type="button" className="btn waiting t2 thin" onClick={toggleLive} aria-label={`${stream.waiting} newer flows are waiting`}>+{count(stream.waiting)}</button>
    </span>
  );
}

/** How old the newest thing that is known is: the last sign of life or record. */
function useBehind(): string {
  const status = useStatus();
  const stream = useStream();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const seen = [...(status.data?.agents ?? []), ...stream.agents.values()].map((a) => Date.parse(a.lastSeen));
  const newest = stream.rows[0]?.["flow.end"];
  if (typeof newest === "string") seen.push(Date.parse(newest));
  const latest = Math.max(...seen.filter((t) => !Number.isNaN(t)));
  if (!Number.isFinite(latest)) return "waiting";
  return `${Math.max(0, Math.round((now() - latest) / 1000))} s behind`;
}
