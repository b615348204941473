import { Value } from "../frame/Value";
import { EntityIcon } from "../map/EntityIcon";
import { entityTitle, type End, type GroupId } from "../map/levels";
import type { DrawnMap } from "../map/useMap";

const kind = (id: string) => (id.startsWith("p:") ? "process" : "address");

/** Where an entity stands on the map; undefined while there is none. */
export function groupOf(map: DrawnMap | undefined, id: string): GroupId | undefined {
  return map?.model.nodes.find((n) => n.entity?.id === id)?.group;
}

const field = (id: string, end: End | "either") => (id.startsWith("p:") ? `${end}.process.executable.name` : `${end}.address`);

export function EntityName({ id, end, detail }: { id: string; end: End | "either"; detail: string }) {
  return (
    <div className="ep">
      <b><Value field={field(id, end)} value={entityTitle(id)}>{entityTitle(id)}</Value></b>
      <div>{detail}</div>
    </div>
  );
}

/** The two ends of an edge, one above the other. */
export function Ends({ from, to, groups, details }: { from: string; to: string; groups: [GroupId | undefined, GroupId | undefined]; details: [string, string] }) {
  return (
    <div className="ends">
      <div className="rail"><EntityIcon kind={kind(from)} group={groups[0]} size={16} /><i /><EntityIcon kind={kind(to)} group={groups[1]} size={16} /></div>
      <div>
        <EntityName id={from} end="source" detail={details[0]} />
        <EntityName id={to} end="destination" detail={details[1]} />
      </div>
    </div>
  );
}

export function OneEnd({ id, group, detail }: { id: string; group: GroupId | undefined; detail: string }) {
  return (
    <div className="ends">
      <div className="rail"><EntityIcon kind={kind(id)} group={group} size={16} /></div>
      <EntityName id={id} end="either" detail={detail} />
    </div>
  );
}
