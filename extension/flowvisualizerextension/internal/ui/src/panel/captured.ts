// What is captured, as one table: a line for each thing that people look for.
// What an agent says about an engine replaces what is known without it.

import type { Engine } from "../api/types";

interface Subject {
  /** The agent's name of the engine that captures it. */
  engine: string;
  what: string;
}

const subjects: Subject[] = [
  { engine: "tcp", what: "TCP: bytes, RTT, process, refusals" },
  { engine: "datagram", what: "UDP, ICMP, SCTP, other IP" },
  { engine: "drops", what: "Denied: who, where, why" },
  { engine: "dns", what: "Domain names and DNS lookups" },
  { engine: "forward", what: "Forwarded traffic" },
  { engine: "nat", what: "Backends behind services" },
];

export interface Line {
  what: string;
  on: boolean;
  state: string;
  detail: string;
}

/** What processors add and no engine reports: it is there when records have it. */
function added(cluster: boolean): Line[] {
  return [
    cluster
      ? { what: "Kubernetes names", on: true, state: "on", detail: "" }
      : { what: "Kubernetes names", on: false, state: "off", detail: "in a cluster, add the processor flow_k8s to the agent's configuration" },
    { what: "Kubernetes policy", on: false, state: "not in this version", detail: "" },
  ];
}

/** A line for each subject, in the table's order, then what processors add, then one for each engine that the table does not know. */
export function captured(engines: readonly Engine[], cluster = false): Line[] {
  const said = (what: string, e: Engine): Line => ({ what, on: e.on, state: e.on ? "on" : "off", detail: e.detail });
  const known = subjects.map(({ engine, what }) => {
    const reported = engines.find((e) => e.name === engine);
    return reported ? said(what, reported) : { what, on: false, state: "not in this version", detail: "" };
  });
  const others = engines.filter((e) => !subjects.some((s) => s.engine === e.name)).map((e) => said(e.name, e));
  return [...known, ...added(cluster), ...others];
}
