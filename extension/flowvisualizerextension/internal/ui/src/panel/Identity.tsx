// Who stands at an end of a record, by all that the cluster says of it.

import type { ReactNode } from "react";
import type { Attribute, Flow } from "../api/types";
import { uncertainty } from "../format/uncertain";
import { UnknownMark } from "../frame/icons";
import { type Told, told } from "../format/listed";
import { AllValues, EntityValue, itemsOf, Value } from "../frame/Value";
import { type End, entityTitle, type Key } from "../map/entity";
import { levels } from "../map/levels";
import { text } from "../table/attributes";
import { Section } from "./sections";

const names: [word: string, attribute: string][] = [
  ["Namespace", "k8s.namespace.name"],
  ["Workload", "k8s.workload.name"],
  ["Pod", "k8s.pod.name"],
  ["Container", "k8s.container.name"],
  ["Node", "k8s.node.name"],
  ["Zone", "cloud.availability_zone"],
  ["Network", "network.name"],
];

/** Nothing where nothing is known, as on a machine without a cluster. */
export function Identity({ flow, end }: { flow: Flow; end: End }) {
  const doubt = uncertainty(flow, end);
  const lines = names.flatMap(([word, attribute]): [string, ReactNode][] => {
    const field = `${end}.${attribute}`;
    const values = told(flow, field);
    return values ? [[word, attribute === "k8s.workload.name" ? <Workload flow={flow} end={end} /> : <AllValues field={field} told={values} />]] : [];
  });
  const services = end === "destination" ? told(flow, "destination.k8s.service.name") : undefined;
  if (services) lines.push([services.values.length > 1 ? "Services asked for" : "Service asked for", <Service flow={flow} names={services} />]);
  const labels = ["k8s.pod.labels", "k8s.namespace.labels"].map((a) => `${end}.${a}`).filter((a) => flow[a] !== undefined);
  if (lines.length === 0 && !doubt) return null;
  return (
    <Section title={end === "source" ? "Who called" : "Who was called"}>
      {doubt && <p className="doubted c-unk" role="note"><UnknownMark size={14} /><span><b>Not certain:</b> {doubt}.</span></p>}
      <dl className="attrs named">{lines.map(([word, value]) => <Line key={word} word={word}>{value}</Line>)}</dl>
      {labels.map((a) => <Labels key={a} field={a} title={a.includes("namespace") ? "Labels of the namespace" : "Labels"} value={flow[a]!} />)}
    </Section>
  );
}

function Line({ word, children }: { word: string; children: ReactNode }) {
  return <><dt>{word}</dt><dd>{children}</dd></>;
}

/** By kind, name and namespace: each alone may be of several. */
function Workload({ flow, end }: { flow: Flow; end: End }) {
  const { id } = levels.workload.entity(flow as Key, end);
  const kind = text(flow, `${end}.k8s.workload.kind`);
  return <>{kind && <Value field={`${end}.k8s.workload.kind`} value={kind} className="t3">{kind}</Value>} <EntityValue id={id} end={end}>{entityTitle(id)}</EntityValue></>;
}

function Service({ flow, names }: { flow: Flow; names: Told }) {
  const namespace = text(flow, "destination.k8s.service.namespace");
  const port = text(flow, "destination.k8s.service.port");
  const portName = text(flow, "destination.k8s.service.port_name");
  return (
    <>
      <AllValues field="destination.k8s.service.name" told={names} />
      {namespace !== undefined && <span className="t3"> in <Value field="destination.k8s.service.namespace" value={namespace}>{namespace}</Value></span>}
      {port !== undefined && <span className="t3"> : <Value field="destination.k8s.service.port" value={port} className="mono">{port}</Value>{portName ? ` ${portName}` : ""}</span>}
    </>
  );
}

function Labels({ field, title, value }: { field: string; title: string; value: Attribute }) {
  const items = itemsOf(value) ?? [];
  return (
    <div className="labels">
      <h4>{title}</h4>
      {items.length === 0 && <span className="t3">none</span>}
      {items.map((item) => <Value key={item} field={field} value={item} className="label" title={item}><LabelText item={item} /></Value>)}
    </div>
  );
}

function LabelText({ item }: { item: string }) {
  const equals = item.indexOf("=");
  return <><span className="t3">{item.slice(0, equals)}=</span>{item.slice(equals + 1)}</>;
}
