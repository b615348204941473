// Waiting for an answer: for what, how long already, and after a while a way out.

import { CircleStop, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { readAgain, stopReading } from "../api/cache";
import { span } from "../format/format";
import { goLive, shownRange } from "../state/actions";
import { presets } from "../state/range";
import { useView } from "../state/view";

/** Milliseconds after which a person may want to do something else. */
const patience = 1000;

function useWaited(): number {
  const [waited, setWaited] = useState(0);
  useEffect(() => {
    const began = performance.now();
    const timer = setInterval(() => setWaited(performance.now() - began), 100);
    return () => clearInterval(timer);
  }, []);
  return waited;
}

function useShownSpan(): number {
  const r = shownRange(useView());
  return r.to - r.from;
}

/** quick: shown from the start, not only when it takes long. */
export function Reading({ quick = false }: { quick?: boolean }) {
  const waited = useWaited();
  const width = useShownSpan();
  const long = waited > patience;
  if (!long && !quick) return null;
  return (
    <p className={`reading ${quick ? "" : "over"}`} role="status">
      <span className="t2">Reading {span(width)}</span>
      <span className="t3 num">{(waited / 1000).toFixed(1)} s</span>
      {long && <button type="button" id="cancel" className="btn sm" onClick={stopReading}>Cancel <kbd>esc</kbd></button>}
    </p>
  );
}

export function Stopped() {
  const width = useShownSpan();
  return (
    <div className="state" role="status">
      <CircleStop className="big" size={24} strokeWidth={1.25} aria-hidden />
      <h4>Reading was cancelled</h4>
      <p>{span(width)} of flows were asked for and are not shown. A shorter time or a filter is read faster.</p>
      <div className="row">
        <TryAgain main />
        <Shorter />
      </div>
    </div>
  );
}

/** Offers the longest of the usual ranges that is shorter than the one that took long. */
export function Shorter({ main = false }: { main?: boolean }) {
  const width = useShownSpan();
  const shorter = presets.findLast((p) => p.span < 0.9 * width);
  return shorter && <button type="button" className={`btn sm ${main ? "pri" : ""}`} onClick={() => goLive(shorter.span)}>{shorter.label}</button>;
}

export function TryAgain({ main = false }: { main?: boolean }) {
  return (
    <button type="button" className={`btn sm again ${main ? "pri" : ""}`} onClick={readAgain}>
      <RotateCw size={14} aria-hidden />Try again
    </button>
  );
}
