import { EntityValue } from "../frame/Value";
import { EntityIcon } from "../map/EntityIcon";
import { type End, entityTitle, type GroupId } from "../map/entity";
import type { DrawnMap } from "../map/useMap";

/** Where an entity stands on the map; undefined while there is none. */
export function groupOf(map: DrawnMap | undefined, id: string): GroupId | undefined {
  return map?.model.nodes.find((n) => n.entity?.id === id)?.group;
}

export function EntityHead({ id, end, detail }: { id: string; end: End | "either"; detail: string }) {
  return (
    <div className="ep">
      <b><EntityValue id={id} end={end}>{entityTitle(id)}</EntityValue></b>
      <div>{detail}</div>
    </div>
  );
}

/** The two ends of an edge, one above the other. */
export function Ends({ from, to, groups, details }: { from: string; to: string; groups: [GroupId | undefined, GroupId | undefined]; details: [string, string] }) {
  return (
    <div className="ends">
      <div className="rail"><EntityIcon id={from} group={groups[0]} size={16} /><i /><EntityIcon id={to} group={groups[1]} size={16} /></div>
      <div>
        <EntityHead id={from} end="source" detail={details[0]} />
        <EntityHead id={to} end="destination" detail={details[1]} />
      </div>
    </div>
  );
}

export function OneEnd({ id, group, detail }: { id: string; group: GroupId | undefined; detail: string }) {
  return (
    <div className="ends">
      <div className="rail"><EntityIcon id={id} group={group} size={16} /></div>
      <EntityHead id={id} end="either" detail={detail} />
    </div>
  );
}
