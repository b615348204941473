import { useFields, useFlow } from "../api/queries";
import { useStream } from "../api/stream";
import type { Attribute as AttributeValue, Field, Scalar } from "../api/types";
import { clock, micros } from "../format/format";
import { Verdict } from "../frame/icons";
import { itemsOf, Value, Values } from "../frame/Value";
import { type End, type Entity, entityAbout } from "../map/entity";
import { levels } from "../map/levels";
import { text } from "../table/attributes";
import { denial, formatField, rttMean } from "../table/columns";
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
  const place = (end: End, { id, kind }: Entity) => [kind === "process" || kind === "address" ? undefined : entityAbout(id), text(f, `${end}.address`), text(f, `${end}.port`) && `port ${text(f, `${end}.port`)}`, text(f, `${end}.scope`)?.replace("_", " ")].filter(Boolean).join(", ");
  return (
    <>
      <Ends from={from.id} to={to.id} groups={[from.group, to.group]} details={[place("source", from), place("destination", to)]} />
      <Section>
        <dl className="kv">
          <dt>Kernel did</dt><dd><Verdict action={text(f, "flow.action")} why={text(f, "flow.deny.class")} /></dd>
          {denial(f) !== undefined && <><dt>Because of</dt><dd>{denial(f)}</dd></>}
          <dt>From</dt><dd className="mono">{clock(Date.parse(String(f["flow.start"])))}</dd>
          <dt>To</dt><dd className="mono">{clock(Date.parse(String(f["flow.end"])))}</dd>
          <dt>RTT</dt><dd>{rtt === undefined ? "–" : micros(rtt)}</dd>
        </dl>
      </Section>
      <Identity flow={f} end="source" />
      <Identity flow={f} end="destination" />
      <Section title="All attributes" note="click to filter, alt-click to exclude">
        <dl className="attrs">
          {fields.filter((d) => f[d.name] !== undefined).map((d) => <Attribute key={d.name} field={d} value={f[d.name]!} />)}
        </dl>
      </Section>
    </>
  );
}

function Attribute({ field, value }: { field: Field; value: AttributeValue }) {
  const items = itemsOf(value);
  return (
    <>
      <dt title={field.description}>{field.name}</dt>
      <dd>
        {items
          ? <Values field={field.name} values={items} />
          : <Value field={field.name} value={String(value)} className={field.type === "address" ? "mono" : ""}>{formatField(field, value as Scalar)}</Value>}
      </dd>
    </>
  );
}
