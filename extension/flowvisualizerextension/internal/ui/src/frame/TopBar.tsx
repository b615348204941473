import { ChevronDown, CircleHelp, Contrast, PanelRight, Server } from "lucide-react";
import { now } from "../api/clock";
import { useStatus } from "../api/queries";
import { useStream } from "../api/stream";
import type { Agent } from "../api/types";
import { bytes, count, span } from "../format/format";
import { usePanelShown } from "../panel/usePanelShown";
import { select } from "../state/actions";
import { initial } from "../state/url";
import { setView, useView } from "../state/view";
import { ProductMark } from "./icons";
import { Popover } from "./Popover";
import { silent } from "./silence";
import { flipTheme, useTheme } from "./theme";

const tabs = [
  { id: "map", label: "Map" },
  { id: "flows", label: "Flows" },
] as const;

export function TopBar({ onHelp }: { onHelp: () => void }) {
  const v = useView();
  const theme = useTheme();
  const panel = usePanelShown();
  const status = useStatus();
  const agents = status.data?.agents ?? [];
  const home = (e: React.MouseEvent) => {
    e.preventDefault();
    setView(initial);
  };
  return (
    <header className="top">
      <a className="brand" href="./" onClick={home}><ProductMark />Flow Visualizer</a>
      <Popover label="hosts" className="switch" button={<><Server size={12} aria-hidden />{scope(status.data?.host, agents)}<ChevronDown size={12} aria-hidden /></>}>
        {(close) => <Hosts agents={agents} open={() => { close(); select({ kind: "capture" }); }} />}
      </Popover>
      <nav className="tabs" aria-label="Views">
        {tabs.map((t) => (
          <button type="button" key={t.id} className={v.tab === t.id ? "on" : ""} aria-current={v.tab === t.id ? "page" : undefined} onClick={() => setView({ tab: t.id })}>
            {t.label}
          </button>
        ))}
      </nav>
      <span className="sp" />
      <Health agents={agents} failed={status.isError} />
      <span className="row tight">
        <button type="button" className="ib" aria-pressed={panel} onClick={() => setView(panel ? { panel: false, selection: null } : { panel: true })} aria-label="panel" title="Panel (p)"><PanelRight size={16} aria-hidden /></button>
        <button type="button" className="ib" onClick={flipTheme} aria-label={`switch to ${theme === "dark" ? "light" : "dark"} theme`} title="Theme (t)"><Contrast size={16} aria-hidden /></button>
        <button type="button" className="ib" onClick={onHelp} aria-label="help and keys" title="Keys (?)"><CircleHelp size={16} aria-hidden /></button>
      </span>
    </header>
  );
}

function scope(host: string | undefined, agents: Agent[]): string {
  if (agents.length > 1) return `${agents.length} hosts`;
  return agents[0]?.host ?? host ?? "…";
}

function Hosts({ agents, open }: { agents: Agent[]; open: () => void }) {
  if (agents.length === 0) return <p className="note">No agent has reported yet.</p>;
  return (
    <ul className="hosts">
      {agents.map((a) => (
        <li key={a.host}>
          <button type="button" onClick={open}>
            <i className={`dot ${silent(a, now()) ? "bad" : ""}`} />
            <span>
              <b>{a.host}</b>
              <small>{count(a.connections)} open connections, {a.memoryBytes === undefined ? "memory unknown" : bytes(a.memoryBytes)}, seen {span(Math.max(0, now() - Date.parse(a.lastSeen)))} ago</small>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Records per second since each agent began, for the first seconds of a page. */
function lifetimeRate(agents: Agent[]): number {
  return agents.reduce((sum, a) => sum + a.records / Math.max(1, (Date.parse(a.lastSeen) - Date.parse(a.started)) / 1000), 0);
}

const perSecond = (rate: number) => `${rate >= 9.95 ? count(rate) : Number(rate.toFixed(1))} flows/s`;

function Health({ agents, failed }: { agents: Agent[]; failed: boolean }) {
  const rate = useStream().rate ?? lifetimeRate(agents);
  const quiet = agents.filter((a) => silent(a, now())).length;
  const bad = failed || (agents.length > 0 && quiet === agents.length);
  const who = agents.length > 1 ? `${agents.length - quiet} of ${agents.length} hosts` : "This machine";
  const text = failed ? "No answer from the server" : agents.length === 0 ? "No agent yet" : `${who} · ${bad ? "silent" : perSecond(rate)}`;
  return (
    <span className="health" role="status">
      <i className={`dot ${bad ? "bad" : quiet > 0 || agents.length === 0 ? "off" : ""}`} />
      {text}
    </span>
  );
}
