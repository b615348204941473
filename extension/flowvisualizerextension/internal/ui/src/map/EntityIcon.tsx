import { Box, Boxes, Cable, CalendarClock, Copy, Database, Globe, Network, Server, SquareTerminal, Waypoints, type LucideIcon } from "lucide-react";
import { type EntityKind, type GroupId, named } from "./entity";

const icons: Record<Exclude<EntityKind, "address" | "addresses" | "workload">, LucideIcon> = {
  namespace: Boxes,
  pod: Box,
  pods: Copy,
  service: Waypoints,
  network: Cable,
  node: Server,
  process: SquareTerminal,
};

/** Of a workload of another kind pods are copies. */
const workloadIcons: Record<string, LucideIcon> = { StatefulSet: Database, DaemonSet: Server, CronJob: CalendarClock, Job: CalendarClock, Pod: Box };

/** What an entity is and, of an address, where it stands; group is undefined when that is not known. */
export function EntityIcon({ id, group, size }: { id: string; group: GroupId | undefined; size: number }) {
  const Icon = iconOf(id, group);
  return <Icon className="i" size={size} aria-hidden />;
}

function iconOf(id: string, group: GroupId | undefined): LucideIcon {
  const n = named(id);
  if (n?.kind === "workload") return workloadIcons[n.values[1]!] ?? Copy;
  if (n && n.kind !== "address" && n.kind !== "addresses") return icons[n.kind];
  return group === "machine" ? Server : group === "internet" ? Globe : Network;
}
