// One end of a flow in a cell: who it is by its best name, and quietly where.

import type { Flow } from "../api/types";
import { UnknownMark } from "../frame/icons";
import { PodName } from "../frame/PodName";
import { EntityValue, FirstValue, More, Value } from "../frame/Value";
import { type End, type Entity, entityAt } from "../map/entity";
import { levels } from "../map/levels";
import { first, told } from "../format/listed";
import { isFolded } from "../format/made";
import { uncertainty } from "../format/uncertain";
import { text } from "./attributes";

export function Endpoint({ flow, end }: { flow: Flow; end: End }) {
  const who = levels.pod.entity(flow, end);
  const doubt = uncertainty(flow, end);
  return (
    <span className="endpoint">
      <Who flow={flow} end={end} who={who} />
      <Where flow={flow} end={end} who={who} />
      {doubt && <span className="doubt c-unk" title={doubt} role="img" aria-label={`not certain: ${doubt}`}><UnknownMark size={12} /></span>}
    </span>
  );
}

/** An address is where, and so is one of several. */
function Who({ flow, end, who }: { flow: Flow; end: End; who: Entity }) {
  switch (who.kind) {
    case "address":
    case "addresses":
      return null;
    case "pod":
      return <Pod id={who.id} end={end} name={who.title} />;
    case "pods": {
      const pods = told(flow, `${end}.k8s.pod.name`);
      const name = first(pods);
      const pod = entityAt("pod", { ...flow, [`${end}.k8s.pod.name`]: name }, end, who.group);
      return <>{pod ? <Pod id={pod.id} end={end} name={pod.title} /> : <EntityValue quiet id={who.id} end={end}>{who.title}</EntityValue>}{pods && <More told={pods} shown={1} />}</>;
    }
    default:
      return <EntityValue quiet id={who.id} end={end}>{who.title}</EntityValue>;
  }
}

function Pod({ id, end, name }: { id: string; end: End; name: string }) {
  return <EntityValue quiet id={id} end={end} className="pod" title={name}><PodName name={name} /></EntityValue>;
}

/** The namespace tells more than an address, which the panel has. */
function Where({ flow, end, who }: { flow: Flow; end: End; who: Entity }) {
  const field = `${end}.k8s.${who.kind === "service" ? "service.namespace" : "namespace.name"}`;
  const namespace = text(flow, field);
  if ((who.kind === "pod" || who.kind === "pods" || who.kind === "service") && namespace !== undefined) return <Value quiet field={field} value={namespace} className="t3">{namespace}</Value>;
  const process = who.kind === "node" ? text(flow, `${end}.process.executable.name`) : undefined;
  if (process !== undefined) return <Value quiet field={`${end}.process.executable.name`} value={process} className="t3">{process}</Value>;
  return <FirstValue quiet flow={flow} field={`${end}.address`} className="mono" none={isFolded(flow) ? "not told apart" : "unknown"} />;
}
