// The parts that the panel's pages are put together from.

import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import type { ReactNode } from "react";
import { useGroups, useHistogram } from "../api/queries";
import type { Bucket, Group } from "../api/types";
import type { Expr } from "../filter/grammar";
import { bytes, count, micros, tick } from "../format/format";
import { service } from "../format/services";
import { DenyMark, Verdict } from "../frame/icons";
import { Value } from "../frame/Value";
import { type Totals, totalsOf, unanswered } from "../map/totals";
import { shownRange } from "../state/actions";
import { useView } from "../state/view";
import { text } from "../table/attributes";

export function Section({ title, note, children }: { title?: string; note?: string; children: ReactNode }) {
  return (
    <section className="sec">
      {title && <h3>{title}{note && <span className="t3">{note}</span>}</h3>}
      {children}
    </section>
  );
}

export function Stats({ totals }: { totals: Totals }) {
  return (
    <div className="stats">
      <div><b>{bytes(totals.sent)}</b><small>sent</small></div>
      <div><b>{bytes(totals.received)}</b><small>received</small></div>
      <div><b>{count(totals.connections)}</b><small>connections</small></div>
      <div className={totals.denied > 0 ? "c-deny" : ""}><b>{count(totals.denied)}</b><small>{totals.denied > 0 && <DenyMark size={12} />}denied</small></div>
    </div>
  );
}

/** How connections ended. The parts add up to all that were seen to end or are open. */
export function Outcomes({ totals }: { totals: Totals }) {
  const completed = totals.completed - totals.denied;
  const closed = Math.max(0, completed - totals.reset - totals.timedOut - totals.abandoned);
  const parts = [
    { word: "closed", n: closed },
    { word: "reset", n: totals.reset },
    { word: "timed out", n: totals.timedOut },
    { word: "abandoned", n: totals.abandoned },
    { word: "denied", n: totals.denied },
    { word: "still open", n: totals.open },
  ].filter((p) => p.n > 0 || p.word === "closed");
  const all = parts.reduce((n, p) => n + p.n, 0);
  return (
    <Section title="How they ended">
      <div className="outcomes">
        {parts.map((p) => (
          <div key={p.word}>
            <span className={p.word === "denied" ? "c-deny" : ""}>{p.word}</span>
            <span className="meter">{p.n > 0 && <i className={p.word === "denied" ? "f-deny" : p.word === "closed" || p.word === "still open" ? "f-allow" : "f-unk"} style={{ width: `${(100 * p.n) / all}%` }} />}</span>
            <span className="num">{count(p.n)}</span>
          </div>
        ))}
      </div>
    </Section>
  );
}

export function Health({ totals }: { totals: Totals }) {
  if (totals.rttSamples === 0) return null;
  return (
    <dl className="kv">
      <dt>RTT mean</dt><dd>{micros(totals.rttSum / totals.rttSamples)}</dd>
      <dt>RTT max</dt><dd>{totals.rttMax > 0 ? micros(totals.rttMax) : "–"}</dd>
      {totals.handshakeSamples > 0 && <><dt>Handshake mean</dt><dd>{micros(totals.handshakeSum / totals.handshakeSamples)}</dd></>}
      <dt>Retransmits</dt><dd>{count(totals.retransmits)}</dd>
      {totals.lost > 0 && <><dt>Held for lost</dt><dd>{count(totals.lost)}</dd></>}
      {totals.windowLimited > 0 && <><dt>Receiver was full for</dt><dd>{micros(totals.windowLimited)}</dd></>}
      <dt>Resets</dt><dd>{resets(totals)}</dd>
    </dl>
  );
}

/** Resets, and by whom as far as that is known: "5, 3 by the source, 1 by the destination". */
function resets(totals: Totals): string {
  const by = [[totals.resetBySource, "source"], [totals.resetByDestination, "destination"]] as const;
  return [count(totals.reset), ...by.filter(([n]) => n > 0).map(([n, side]) => `${count(n)} by the ${side}`)].join(", ");
}

const spark = { width: 328, up: 32, down: 14 };

/** Bytes up, denied connections down, over the chosen time. */
export function Sparkline({ part }: { part: Expr }) {
  const v = useView();
  const { data } = useHistogram(60, part);
  const r = shownRange(v);
  return (
    <div className="spark">
      <svg width="100%" height={50} viewBox={`0 0 ${spark.width} 50`} preserveAspectRatio="none" role="img" aria-label="bytes and denied connections over the chosen time">
        {data && <SparkPaths buckets={data.data.buckets} />}
        <path d={`M0 ${spark.up + 0.5}H${spark.width}`} className="axis" />
      </svg>
      <div className="row t3 ends-of-time"><span>{tick(r.from, r.to - r.from < 7_200_000 ? 1 : 60_000)}</span><span className="sp" /><span>{tick(r.to, r.to - r.from < 7_200_000 ? 1 : 60_000)}</span></div>
    </div>
  );
}

function SparkPaths({ buckets }: { buckets: readonly Bucket[] }) {
  const x = scaleLinear([0, Math.max(1, buckets.length - 1)], [0, spark.width]);
  const y = scaleLinear([0, Math.max(1, ...buckets.map((b) => b.allow.bytes))], [spark.up, 3]);
  const d = scaleLinear([0, Math.max(1, ...buckets.map((b) => b.deny.connections))], [0, spark.down]);
  const points = buckets.map((b, i): [number, number] => [x(i), y(b.allow.bytes)]);
  const step = spark.width / Math.max(1, buckets.length);
  return (
    <>
      <path d={area<[number, number]>().y0(spark.up).x((p) => p[0]).y1((p) => p[1])(points) ?? ""} className="under" />
      <path d={line()(points) ?? ""} className="over" vectorEffect="non-scaling-stroke" />
      {buckets.map((b, i) => b.deny.connections > 0 && <rect key={b.start} className="f-deny" x={i * step} width={Math.max(1, step - 1.5)} y={spark.up + 2} height={Math.max(1.5, d(b.deny.connections))} />)}
    </>
  );
}

const shownRows = 8;

/** Which ports were called, and what the kernel did. */
export function Ports({ part }: { part: Expr }) {
  const { data } = useGroups(["destination.port", "network.transport", "flow.action", "flow.deny.class"], part, "connections", shownRows);
  const groups = data?.data.groups ?? [];
  return (
    <Section title="Ports" {...more(data?.data.groupCount)}>
      <table className="mini">
        <thead><tr><th>Port</th><th>Service</th><th className="num">Conns</th><th className="num">Bytes</th><th>Kernel did</th></tr></thead>
        <tbody>
          {groups.map((g) => {
            const port = g.key["destination.port"];
            const name = typeof port === "number" ? service(port) : undefined;
            const action = g.key["flow.action"];
            const why = g.key["flow.deny.class"];
            return (
              <tr key={JSON.stringify(g.key)}>
                <td>{port === undefined && merged(g) && !withoutPorts.test(String(g.key["network.transport"])) ? several : <Value field="destination.port" value={port === undefined ? undefined : String(port)} className="mono">{port === undefined ? "–" : String(port)}</Value>}</td>
                <td className="t2">{name ?? String(g.key["network.transport"] ?? "")}</td>
                <td className="num">{count(g.sums["flow.connections.seen"] ?? 0)}</td>
                <td className="num">{bytes((g.sums["source.bytes"] ?? 0) + (g.sums["destination.bytes"] ?? 0))}</td>
                <td><Value field={why === undefined ? "flow.action" : "flow.deny.class"} value={String(why ?? action)}><Verdict action={action as string | undefined} why={why as string | undefined} unanswered={unanswered(totalsOf(g))} /></Value></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}

/** Whether what is absent from the key of a group had several values. */
export const merged = (g: Group) => (g.sums["flow.aggregation.records"] ?? 0) > 0;

const several = <span className="t3">several</span>;
const withoutPorts = /icmp/;

function more(groups: number | undefined): { note?: string } {
  return groups !== undefined && groups > shownRows ? { note: `${shownRows} of ${count(groups)}` } : {};
}

/** The processes that reported these flows. */
export function Processes({ part }: { part: Expr }) {
  const { data } = useGroups(["process.executable.name", "process.pid"], part, "bytes", shownRows);
  const groups = (data?.data.groups ?? []).filter((g) => g.key["process.executable.name"] !== undefined || merged(g));
  if (groups.length === 0) return null;
  return (
    <Section title="Processes" {...more(data?.data.groupCount)}>
      <table className="mini">
        <thead><tr><th>Process</th><th className="num">PID</th><th className="num">Conns</th><th className="num">Bytes</th></tr></thead>
        <tbody>
          {groups.map((g) => {
            const name = text(g.key, "process.executable.name");
            const pid = g.key["process.pid"];
            return (
              <tr key={JSON.stringify(g.key)}>
                <td>{name === undefined ? several : <Value field="process.executable.name" value={name}>{name}</Value>}</td>
                <td className="num">{pid === undefined ? several : <Value field="process.pid" value={String(pid)} className="mono">{String(pid)}</Value>}</td>
                <td className="num">{count(g.sums["flow.connections.seen"] ?? 0)}</td>
                <td className="num">{bytes((g.sums["source.bytes"] ?? 0) + (g.sums["destination.bytes"] ?? 0))}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}
