import { Clock, TriangleAlert, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { now } from "../api/clock";
import { useCoarse, useLosses, useMapGroups, useStatus } from "../api/queries";
import { useStream } from "../api/stream";
import { coarseInWords, coarseOf } from "../format/coarse";
import { count, counted, range, seconds, span } from "../format/format";
import { lostInAll, lostInWords } from "../format/lost";
import { select } from "../state/actions";
import { levelOf, useView } from "../state/view";
import { silent } from "./silence";

interface Notice {
  /** Changes when there is more to say, so that a dismissed notice comes back. */
  key: string;
  tone: "" | "err" | "info";
  text: ReactNode;
  action?: ReactNode;
}

/** Says what is missing from the screen: lost, silent, not told apart, or cut off. Nothing missing, no banner. */
export function Banners() {
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const notices = [...useSilence(), ...useLost(), ...useLessTold(), ...useCut()].filter((n) => !dismissed.has(n.key));
  return notices.map((n) => (
    <div key={n.key} className={`banner ${n.tone}`} role="status">
      {n.tone === "info" ? <Clock className="i" size={16} aria-hidden /> : <TriangleAlert className="i" size={16} aria-hidden />}
      <span className="said">{n.text}</span>
      <span className="sp" />
      {n.action}
      <button type="button" className="ib" aria-label="dismiss" onClick={() => setDismissed(new Set(dismissed).add(n.key))}><X size={16} aria-hidden /></button>
    </div>
  ));
}

function useSilence(): Notice[] {
  const agents = useStatus().data?.agents ?? [];
  return agents.filter((a) => silent(a, now())).map((a) => {
    const seen = Date.parse(a.lastSeen);
    return {
      key: `silent ${a.host} ${a.lastSeen}`,
      tone: "err",
      text: <><b>{a.ended ? `The agent of ${a.host} was stopped ${span(now() - seen)} ago.` : `${a.host} has sent nothing for ${span(now() - seen)}.`}</b> Its flows are missing since {seconds(seen)}.</>,
      action: <button type="button" className="lnk" onClick={() => select({ kind: "capture" })}>What is captured</button>,
    };
  });
}

function useLost(): Notice[] {
  const data = useLosses().data?.data;
  const { dropped } = useStream();
  const notices: Notice[] = [];
  const total = data ? lostInAll(data.total) : 0;
  if (data && total > 0) {
    const hosts = [...new Set(data.losses.map((l) => l.host).filter(Boolean))];
    const first = Math.min(...data.losses.map((l) => Date.parse(l.start)));
    const last = Math.max(...data.losses.map((l) => Date.parse(l.end)));
    const stages = [...new Set(data.losses.map((l) => stageWords[l.stage] ?? l.stage))].join(", ");
    const what = lostInWords(data.total);
    notices.push({
      key: `loss ${total}`,
      tone: "",
      text: <><b>{what} lost{hosts.length > 0 && ` on ${hosts.join(", ")}`}, {range(first, last)}</b> ({stages}): totals are a lower bound.</>,
      action: <button type="button" className="lnk" onClick={() => select({ kind: "capture" })}>Where and how many</button>,
    });
  }
  if (dropped > 0) {
    notices.push({ key: `dropped ${dropped}`, tone: "info", text: <><b>{counted(dropped, "flow")} left out of the live table,</b> which was too slow for them. They are stored; pause and page back to see them.</> });
  }
  return notices;
}

export const stageWords: Record<string, string> = {
  hook: "the kernel passed a program over",
  socket_storage: "the kernel had no memory for a socket",
  ring_buffer: "ring buffer full",
  dns: "no room for DNS messages",
  merge: "table of open records full",
  pipeline: "the pipeline refused them",
  crash: "the collector ended before it passed them on",
};

/** Folding and sampling go on, so a notice that was dismissed does not come back with every record more. */
function useLessTold(): Notice[] {
  const coarse = coarseOf(useCoarse().data?.data.groups ?? []);
  const words = coarseInWords(coarse);
  if (!words) return [];
  return [{ key: `coarse ${coarse.folded > 0} ${coarse.rates.join()}`, tone: "info", text: <><b>{words[0]}</b> {words[1]}</> }];
}

function useCut(): Notice[] {
  const v = useView();
  const cut = useMapGroups().map((a) => a.data?.data).filter((g) => g?.truncated);
  if (v.tab !== "map" || cut.length === 0) return [];
  const drawn = cut.reduce((n, g) => n + g!.groups.length, 0);
  const of = cut.reduce((n, g) => n + g!.groupCount, 0);
  return [{
    key: `cut ${levelOf(v)}`,
    tone: "info",
    text: <><b>The map shows the largest {count(drawn)} of {count(of)} pairs.</b> Narrow the time or add a filter; histogram and table are complete.</>,
  }];
}
