// The columns of the flow table: a few that join attributes the way people
// read them, and one for every field of the registry.

import type { ReactNode } from "react";
import type { Field, Flow, Scalar } from "../api/types";
import { bytes, clock, count, dateTime, micros } from "../format/format";
import { first, told } from "../format/listed";
import { attributeOf } from "../format/listings";
import { madeOf } from "../format/made";
import { message, service } from "../format/services";
import { FirstValue, itemsOf, Value, Values } from "../frame/Value";
import { number, text } from "./attributes";
import { Endpoint } from "./Endpoint";
import { FlowVerdict } from "./FlowVerdict";
import { MadeMark } from "./MadeMark";
import { setView } from "../state/view";

export interface Column {
  id: string;
  title: string;
  about: string;
  /** Pixels. What comes in few forms is wide enough for all of them in a wide font. */
  width: number;
  /** Pixels that it makes do with where there is less room. */
  least?: number;
  /** Pixels where one of the rows has more to say in it. */
  wide?: { width: number; for: (f: Flow) => boolean };
  /** Takes a share of the room that is left. */
  grow?: boolean;
  number?: boolean;
  cell: (f: Flow) => ReactNode;
}

const time = (f: Flow, name: string) => Date.parse(String(f[name]));

const dash = <span className="t3">–</span>;

function total(f: Flow, name: string): ReactNode {
  const n = number(f, name);
  return n === undefined ? dash : bytes(n);
}

export function rttMean(f: Flow): number | undefined {
  const sum = number(f, "flow.tcp.rtt.sum");
  const samples = number(f, "flow.tcp.rtt.samples");
  return sum !== undefined && samples ? sum / samples : undefined;
}

function asked(f: Flow): ReactNode {
  const inCluster = first(told(f, "destination.k8s.service.name"));
  const portName = text(f, "destination.k8s.service.port_name");
  if (inCluster !== undefined) return <FirstValue quiet flow={f} field="destination.k8s.service.name" title={portName ? `${inCluster}, port ${portName}` : inCluster} none="" />;
  return service(number(f, "destination.port") ?? 0) ?? message(text(f, "network.transport"), number(f, "network.icmp.type")) ?? <span className="t3">{text(f, "network.transport")}</span>;
}

function outcome(f: Flow): ReactNode {
  const n = (name: string) => number(f, `flow.connections.${name}`) ?? 0;
  if (f["flow.action"] === "deny") return dash;
  const words = (["reset", "timed_out", "abandoned"] as const).filter((w) => n(w) > 0).map((w) => `${n(w)} ${w.replace("_", " ")}`);
  if (n("open") > 0) words.push(`${n("open")} open`);
  return words.length > 0 ? words.join(", ") : <span className="t3">closed</span>;
}

/** The joined columns, in their usual order. */
export const usual: Column[] = [
  {
    id: "time", title: "Time", about: "End of the record's interval, and what it was made of if not of one flow", width: 104, wide: { width: 154, for: (f) => madeOf(f) !== undefined },
    cell: (f) => <><span className="mono" title={dateTime(time(f, "flow.end"))}>{clock(time(f, "flow.end"))}</span><MadeMark flow={f} /></>,
  },
  {
    id: "verdict", title: "Verdict", about: "What the kernel did, and why it refused", width: 116, least: 96,
    cell: (f) => {
      const why = text(f, "flow.deny.class");
      const field = why === undefined ? "flow.action" : "flow.deny.class";
      return <Value quiet field={field} value={why ?? text(f, "flow.action")}><FlowVerdict flow={f} /></Value>;
    },
  },
  { id: "source", title: "Source", about: "Who called: pod, node, network or process, and where", width: 160, grow: true, cell: (f) => <Endpoint flow={f} end="source" /> },
  { id: "destination", title: "Destination", about: "Who was called: pod, node, network or process, and where", width: 160, grow: true, cell: (f) => <Endpoint flow={f} end="destination" /> },
  {
    id: "port", title: "Port", about: "Destination port", width: 60, number: true,
    cell: (f) => <FirstValue quiet flow={f} field="destination.port" className="mono" none="–" />,
  },
  { id: "service", title: "Service", about: "The service that was asked for in a cluster, else the destination port's usual one, or what an ICMP message is about", width: 104, least: 72, cell: asked },
  { id: "connections", title: "Conns", about: "Connections in this record", width: 76, least: 60, number: true, cell: (f) => count(number(f, "flow.connections.seen") ?? 0) },
  { id: "sent", title: "Sent", about: "Bytes that the source sent", width: 72, least: 64, number: true, cell: (f) => total(f, "source.bytes") },
  { id: "received", title: "Received", about: "Bytes that the destination sent", width: 72, least: 66, number: true, cell: (f) => total(f, "destination.bytes") },
  { id: "rtt", title: "RTT", about: "Mean smoothed round-trip time", width: 76, least: 72, number: true, cell: (f) => { const r = rttMean(f); return r === undefined ? dash : micros(r); } },
  { id: "outcome", title: "Ended", about: "How the connections ended", width: 110, cell: outcome },
];

const hidden = new Set(["outcome"]);
export const defaultColumns = usual.filter((c) => !hidden.has(c.id)).map((c) => c.id);

/** A value as its field is shown. */
export function formatField(field: Field, v: Scalar): string {
  if (field.type === "time") return dateTime(Date.parse(String(v)));
  if (typeof v !== "number") return String(v);
  if (field.unit === "By") return bytes(v);
  if (field.unit === "us") return micros(v);
  return field.role === "dimension" ? String(v) : count(v);
}

export function fieldColumn(field: Field): Column {
  const numeric = field.role !== "dimension";
  return {
    id: field.name,
    title: field.name,
    about: field.description,
    width: Math.min(240, Math.max(90, field.name.length * 6.4 + 24)),
    number: numeric,
    cell: (f) => {
      const v = f[field.name];
      if (v === undefined) return told(f, field.name) ? <FirstValue quiet flow={f} field={field.name} className={field.type === "address" ? "mono" : ""} none="" /> : dash;
      const items = itemsOf(v);
      if (items) return <Values quiet field={attributeOf(field.name)} values={items} />;
      if (field.type === "time" || numeric) return formatField(field, v as Scalar);
      return <Value quiet field={field.name} value={String(v)} className={field.type === "address" ? "mono" : ""}>{String(v)}</Value>;
    },
  };
}

/** The chosen columns in order; ids that no longer exist are left out. */
export function chosen(ids: readonly string[] | null, fields: readonly Field[]): Column[] {
  return (ids ?? defaultColumns).flatMap((id) => {
    const joined = usual.find((c) => c.id === id);
    if (joined) return [joined];
    const field = fields.find((f) => f.name === id);
    return field ? [fieldColumn(field)] : [];
  });
}

/** Shows these columns in this order; none, or the usual ones, leave the URL. */
export function setColumns(ids: readonly string[]): void {
  const usualAgain = ids.length === 0 || ids.join() === defaultColumns.join();
  setView({ columns: usualAgain ? null : [...ids] }, "replace");
}
