import { now } from "../api/clock";
import { useLosses, useStatus } from "../api/queries";
import { useStream } from "../api/stream";
import type { Agent } from "../api/types";
import { bytes, count, dateTime, range, span } from "../format/format";
import { stageWords } from "../frame/Banners";
import { AllowMark, UnknownMark } from "../frame/icons";
import { silent } from "../frame/silence";
import { hasCluster, useView } from "../state/view";
import { captured } from "./captured";
import { Section } from "./sections";

/** Each agent as last heard, from the poll or the stream. */
export function useAgents(): Agent[] {
  const polled = useStatus().data?.agents ?? [];
  const streamed = useStream().agents;
  return polled.map((a) => {
    const s = streamed.get(a.host);
    return s && s.lastSeen > a.lastSeen ? { ...a, ...s } : a;
  });
}

export function Engines({ agent }: { agent: Agent }) {
  useView();
  return (
    <ul className="checks">
      {captured(agent.engines ?? [], hasCluster()).map((l) => (
        <li key={l.what}>
          <span className={l.on ? "c-allow" : "c-unk"}>{l.on ? <AllowMark /> : <UnknownMark />}</span>
          <span>{l.what}</span>
          <span className="t3">{l.state}</span>
          {l.detail && <small>{l.detail}</small>}
        </li>
      ))}
    </ul>
  );
}

/** What is captured on each host, what it costs, and what was lost. */
export function Capture() {
  const agents = useAgents();
  return (
    <>
      {agents.length === 0 && <p className="note t3">No agent has reported yet.</p>}
      {agents.map((a) => (
        <Section key={a.host} title={a.host} note={a.ended ? `stopped at ${dateTime(Date.parse(a.lastSeen))}` : silent(a, now()) ? `silent since ${dateTime(Date.parse(a.lastSeen))}` : `seen ${span(Math.max(0, now() - Date.parse(a.lastSeen)))} ago`}>
          <Engines agent={a} />
          <dl className="attrs">
            <dt>Recording since</dt><dd>{dateTime(Date.parse(a.started))}</dd>
            <dt>Interval</dt><dd>{a.intervalSeconds} s</dd>
            <dt>Open connections</dt><dd>{count(a.connections)}</dd>
            <dt>Records sent</dt><dd>{count(a.records)}</dd>
            <dt>Lost since start</dt><dd>{count(a.lost)}</dd>
            <dt>Processor</dt><dd>{a.cpuPercent === undefined ? "unknown" : `${a.cpuPercent.toFixed(1)} % of one core`}</dd>
            <dt>Memory</dt><dd>{a.memoryBytes === undefined ? "unknown" : bytes(a.memoryBytes)}</dd>
            <dt>Version</dt><dd>{a.version}</dd>
          </dl>
        </Section>
      ))}
      <Losses />
    </>
  );
}

function Losses() {
  const losses = useLosses().data?.data.losses ?? [];
  return (
    <Section title="Lost" note="in the chosen time">
      {losses.length === 0 ? <p className="t2">Nothing.</p> : (
        <table className="mini wrap">
          <thead><tr><th>When</th><th>Where</th><th className="num">Lost</th></tr></thead>
          <tbody>
            {losses.map((l) => (
              <tr key={JSON.stringify(l)}>
                <td className="mono">{range(Date.parse(l.start), Date.parse(l.end))}</td>
                <td>{l.host}: {stageWords[l.stage] ?? l.stage}</td>
                <td className="num">{count(l.count)} {l.unit}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
