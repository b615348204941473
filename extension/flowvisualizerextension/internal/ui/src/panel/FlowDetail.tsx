import { Fragment } from "react";
import { useFields, useFlow } from "../api/queries";
import { useStream } from "../api/stream";
import type { Field, Flow, Scalar } from "../api/types";
import { clock, micros } from "../format/format";
import { others, told } from "../format/listed";
import { isCompanion, listings } from "../format/listings";
import { madeOf } from "../format/made";
import { AllValues, itemsOf, Value, Values } from "../frame/Value";
import { type End, type Entity, entityAbout } from "../map/entity";
import { levels } from "../map/levels";
import { text } from "../table/attributes";
import { formatField, rttMean } from "../table/columns";
import { denial, FlowVerdict } from "../table/FlowVerdict";
import { Ends } from "./Ends";
import { Identity } from "./Identity";
import { Section } from "./sections";

export function FlowDetail({ id }: { id: string }) {
  const fields = useFields();
  const live = useStream().rows.find((f) => f["flow.id"] === id);
  const stored = useFlow(id);
  const f = live ?? stored.data?.flows[0];
  if (!f) return <p className="note t3">{stored.isPending ? "Reading…" : "This record is not in the chosen time."}</p>;
  const rtt = rttMean(f);
  const from = levels.pod.entity(f, "source");
  const to = levels.pod.entity(f, "destination");
  const made = madeOf(f);
  const place = (end: End, { id, kind }: Entity) => [
    kind === "process" || kind === "address" || kind === "addresses" ? undefined : entityAbout(id), inShort(f, `${end}.address`), inShort(f, `${end}.port`, "port "), text(f, `${end}.scope`)?.replace("_", " "),
  ].filter(Boolean).join(", ");
  return (
    <>
      <Ends from={from.id} to={to.id} groups={[from.group, to.group]} details={[place("source", from), place("destination", to)]} />
      <Section>
        <dl className="kv">
          <dt>Kernel did</dt><dd><FlowVerdict flow={f} /></dd>
          {denial(f) !== undefined && <><dt>Because of</dt><dd>{denial(f)}</dd></>}
          <dt>From</dt><dd className="mono">{clock(Date.parse(String(f["flow.start"])))}</dd>
          <dt>To</dt><dd className="mono">{clock(Date.parse(String(f["flow.end"])))}</dd>
          <dt>RTT</dt><dd>{rtt === undefined ? "–" : micros(rtt)}</dd>
        </dl>
        {made && <dl className="attrs named madeof">{made.lines.map(([about, words]) => <Fragment key={about}><dt>{about}</dt><dd>{words}</dd></Fragment>)}</dl>}
      </Section>
      <Identity flow={f} end="source" />
      <Identity flow={f} end="destination" />
      <Section title="All attributes" note="click to filter, alt-click to exclude">
        <dl className="attrs">
          {fields.filter((d) => listings[d.name] ? told(f, d.name) : f[d.name] !== undefined && !isCompanion(d.name)).map((d) => <Attribute key={d.name} flow={f} field={d} />)}
        </dl>
      </Section>
    </>
  );
}

/** "10.0.0.7", or of several "10.0.0.7 +3 more". */
function inShort(f: Flow, field: string, word = ""): string | undefined {
  const t = told(f, field);
  return t && [`${word}${t.values[0] ?? ""}`.trim(), others(t, Math.min(1, t.values.length))].filter(Boolean).join(" ");
}

/** A list and its count are shown in the place of the attribute that they are of. */
function Attribute({ flow, field }: { flow: Flow; field: Field }) {
  const mono = field.type === "address" ? "mono" : "";
  const value = flow[field.name];
  const items = value === undefined ? undefined : itemsOf(value);
  const several = value === undefined || items ? told(flow, field.name) : undefined;
  return (
    <>
      <dt title={field.description}>{field.name}</dt>
      <dd>
        {several && listings[field.name] ? <AllValues field={field.name} told={several} className={mono} />
          : items ? <Values field={field.name} values={items} />
          : <Value field={field.name} value={String(value)} className={mono}>{formatField(field, value as Scalar)}</Value>}
      </dd>
    </>
  );
}
