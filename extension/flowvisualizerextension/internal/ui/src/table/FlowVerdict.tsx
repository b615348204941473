import type { Flow } from "../api/types";
import { Verdict } from "../frame/icons";
import { unanswered } from "../map/totals";
import { number, text } from "./attributes";

/** What the kernel did with a record's flows. */
export function FlowVerdict({ flow }: { flow: Flow }) {
  const n = (name: string) => number(flow, name) ?? 0;
  const silent = unanswered({
    completed: n("flow.connections.completed"), denied: 0, abandoned: n("flow.connections.abandoned"), received: n("destination.bytes"),
  });
  return <Verdict action={text(flow, "flow.action")} why={text(flow, "flow.deny.class")} detail={denial(flow)} unanswered={silent} />;
}

/** What the kernel says of a denial, and where it was: "netfilter drop at eth0". */
export function denial(flow: Flow): string | undefined {
  const at = text(flow, "flow.deny.interface.name");
  return text(flow, "flow.deny.reason")?.replaceAll("_", " ").concat(at === undefined ? "" : ` at ${at}`);
}
