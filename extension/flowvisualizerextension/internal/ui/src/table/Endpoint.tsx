// One end of a flow in a cell: who it is by its best name, and quietly where.

import type { Flow } from "../api/types";
import { UnknownMark } from "../frame/icons";
import { PodName } from "../frame/PodName";
import { EntityValue, Value } from "../frame/Value";
import type { End, Entity } from "../map/entity";
import { levels } from "../map/levels";
import { uncertainty } from "../format/uncertain";
import { text } from "./attributes";

export function Endpoint({ flow, end }: { flow: Flow; end: End }) {
  const who = levels.pod.entity(flow, end);
  const doubt = uncertainty(flow, end);
  return (
    <span className="endpoint">
      {who.kind !== "address" && <EntityValue quiet id={who.id} end={end} className={who.kind === "pod" ? "pod" : ""} title={who.kind === "pod" ? who.title : undefined}>{who.kind === "pod" ? <PodName name={who.title} /> : who.title}</EntityValue>}
      <Where flow={flow} end={end} who={who} />
      {doubt && <span className="doubt c-unk" title={doubt} role="img" aria-label={`not certain: ${doubt}`}><UnknownMark size={12} /></span>}
    </span>
  );
}

/** The namespace tells more than an address, which the panel has. */
function Where({ flow, end, who }: { flow: Flow; end: End; who: Entity }) {
  const field = `${end}.k8s.${who.kind === "service" ? "service.namespace" : "namespace.name"}`;
  const namespace = text(flow, field);
  if ((who.kind === "pod" || who.kind === "service") && namespace !== undefined) return <Value quiet field={field} value={namespace} className="t3">{namespace}</Value>;
  const process = who.kind === "node" ? text(flow, `${end}.process.executable.name`) : undefined;
  if (process !== undefined) return <Value quiet field={`${end}.process.executable.name`} value={process} className="t3">{process}</Value>;
  const address = text(flow, `${end}.address`);
  return <Value quiet field={`${end}.address`} value={address} className="mono">{address ?? "unknown"}</Value>;
}
