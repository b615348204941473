import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { now } from "../api/clock";
import { useLosses, useStatus, useTotals } from "../api/queries";
import type { Agent } from "../api/types";
import { bytes, count, counted, span } from "../format/format";
import { lostInAll } from "../format/lost";
import { cond } from "../filter/grammar";
import { copy } from "../frame/copy";
import { DenyMark } from "../frame/icons";
import { silent } from "../frame/silence";
import { plain } from "../map/model";
import { bytesOf, totalsOf } from "../map/totals";
import type { DrawnMap } from "../map/useMap";
import { addFilter, brush, select } from "../state/actions";
import { Engines, useAgents } from "./Capture";
import { Section } from "./sections";

/** The first minute: that it works, what it sees, what to do next. */
export function GettingStarted({ map }: { map: DrawnMap | undefined }) {
  const status = useStatus().data;
  const agents = useAgents();
  const totals = useTotals();
  const t = totals && totalsOf(totals);
  const cpu = agents.reduce<number | undefined>((sum, a) => (a.cpuPercent === undefined ? sum : (sum ?? 0) + a.cpuPercent), undefined);
  return (
    <>
      <section className="sec first">
        <h2>{heading(agents)}</h2>
        <SoFar agents={agents} />
        <div className="stats">
          <div><b>{t ? count(t.connections) : "–"}</b><small>connections</small></div>
          <div><b>{t ? bytes(bytesOf(t)) : "–"}</b><small>both ways</small></div>
          <div className={t && t.denied > 0 ? "c-deny" : ""}><b>{t ? count(t.denied) : "–"}</b><small>{t && t.denied > 0 && <DenyMark size={12} />}denied</small></div>
          {cpu !== undefined && <div><b>{cpu < 10 ? cpu.toFixed(1) : Math.round(cpu)} %</b><small>of one core</small></div>}
        </div>
      </section>
      {agents[0] && <Section title="What is captured"><Engines agent={agents[0]} /></Section>}
      <TryIt map={map} />
      {status && (
        <section className="sec t3 stored">
          Stored in <span className="mono">{status.store.path}</span>, {sizes(status.store.sizeBytes, status.store.maxSizeBytes)}
          {status.store.retentionSeconds > 0 && `, kept ${span(status.store.retentionSeconds * 1000)}`}. {counted(status.store.records, "record")}
          {isLoopback() ? "; this page is served on loopback only." : "."}
        </section>
      )}
    </>
  );
}

function heading(agents: Agent[]): string {
  if (agents.length === 0) return "No agent yet";
  const who = agents.length > 1 ? `${agents.length} hosts` : agents[0]!.host;
  return agents.every((a) => silent(a, now())) ? `${who} ${agents.length > 1 ? "are" : "is"} silent` : `Recording ${who}`;
}

function SoFar({ agents }: { agents: Agent[] }) {
  const [, tick] = useState(0);
  const losses = useLosses().data?.data.total;
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  if (agents.length === 0) return <span className="t2">Waiting for a sign of life from the flowlog receiver.</span>;
  const since = Math.min(...agents.map((a) => Date.parse(a.started)));
  const lost = Math.max(agents.reduce((n, a) => n + a.lost, 0), losses ? lostInAll(losses) : 0);
  return (
    <span className="t2">
      {span(Math.max(0, now() - since))} so far.{" "}
      {lost === 0 ? "Nothing lost." : <button type="button" className="lnk" onClick={() => select({ kind: "capture" })}>{count(lost)} lost.</button>}
    </span>
  );
}

const command = "curl -sI https://example.com";

function TryIt({ map }: { map: DrawnMap | undefined }) {
  const [copied, setCopied] = useState(false);
  const click = () => {
    void copy(command).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <Section title="Try it">
      <p>Run this in a terminal; it appears within seconds.</p>
      <div className="cmd">
        <span className="t3">$</span><span className="cut">{command}</span><span className="sp" />
        <button type="button" className="ib" aria-label={copied ? "copied" : "copy"} onClick={click}>{copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}</button>
      </div>
      <p className="or">
        Or click <button type="button" className="lnk" onClick={() => selectLargest(map)}>who uses the most bytes</button>,{" "}
        <button type="button" className="lnk" onClick={() => addFilter(cond("flow.action", "=", "deny"))}>what was denied</button>,{" "}
        <button type="button" className="lnk" onClick={() => brush({ from: now() - 10_000, to: now() })}>new in the last 10 s</button>.
      </p>
    </Section>
  );
}

/** The edge with the most bytes that is not a fold; edges come largest first. */
function selectLargest(map: DrawnMap | undefined): void {
  const edge = map?.model.edges.find((e) => !e.from.startsWith("fold|") && !e.to.startsWith("fold|"));
  if (edge) select({ kind: "edge", from: plain(edge.from), to: plain(edge.to) });
}

function sizes(size: number, max: number): string {
  return max > 0 ? `${bytes(size)} of ${bytes(max)}` : bytes(size);
}

function isLoopback(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}
