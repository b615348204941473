import { Globe, Network, Server, SquareTerminal } from "lucide-react";
import type { EntityKind, GroupId } from "./levels";

/** What an entity is and, of an address, where it stands; group is undefined when that is not known. */
export function EntityIcon({ kind, group, size }: { kind: EntityKind; group: GroupId | undefined; size: number }) {
  const Icon = kind === "process" ? SquareTerminal : group === "machine" ? Server : group === "internet" ? Globe : Network;
  return <Icon className="i" size={size} aria-hidden />;
}
