// The words on the map: what stands below a node's name, on an edge, and what
// a screen reader says.

import { bytes, count, counted } from "../format/format";
import { portLabel } from "../format/services";
import { denyWord } from "../frame/icons";
import { type Entity, entityAbout, kinds, type LevelId } from "./entity";
import type { GroupBox } from "./layout";
import type { MapEdge, MapModel, MapNode } from "./model";
import { bytesOf } from "./totals";

const portList = (ports: readonly number[]) => ports.slice(0, 2).join(", ") + (ports.length > 2 ? ` +${ports.length - 2}` : "");

export function nodeTitle(n: MapNode): string {
  return n.entity?.title ?? `${count(n.folded.length)} more`;
}

/** In the drawing; that a name stands for several matters more than the ports. */
export function nodeDetail(n: MapNode): string {
  return n.entity?.kind === "pods" ? kinds.pods.one : detail(n);
}

function detail(n: MapNode): string {
  if (!n.entity) return bytes(bytesOf(n.totals));
  if (n.ports.length === 1) return `port ${n.ports[0]}${known(n.ports[0]!)}`;
  if (n.ports.length > 1) return `ports ${portList(n.ports)}`;
  return counted(n.totals.connections, "connection");
}

function known(port: number): string {
  const label = portLabel(port);
  return label.startsWith(":") ? "" : `, ${label}`;
}

/** The port stands below the name of what is called. */
export function allowLabel(e: MapEdge): string {
  return bytes(bytesOf(e.totals));
}

/** The number alone is for where there is no room for more. */
export function denyLabels(e: MapEdge): string[] {
  const words = [...new Set(e.reasons.map(denyWord))];
  const n = count(e.totals.denied);
  return [`${n} ${words.length === 1 ? words[0] : "denied"}`, n];
}

/** Under the pointer: what the drawing leaves to its place and its icon is said too. */
export function nodeHint(n: MapNode): string {
  return `${nodeTitle(n)}: ${[about(n), detail(n)].filter(Boolean).join(", ")}`;
}

export function nodeSpoken(n: MapNode): string {
  return [nodeTitle(n), about(n), detail(n), n.totals.denied > 0 && `${n.totals.denied} denied`].filter(Boolean).join(", ");
}

const about = (n: MapNode) => (n.entity && inCluster(n.entity) ? entityAbout(n.entity.id) : "");

const inCluster = (e: Entity) => e.kind !== "process" && e.kind !== "address" && e.kind !== "addresses";

export function groupTitle(box: GroupBox, level: LevelId, host: string, cluster: string): string {
  switch (box.group) {
    case "machine": return host;
    case "nodes": return "Nodes";
    case "cluster": return level === "namespace" ? cluster : "Other namespaces";
    case "local": return "Local network";
    case "internet": return "Internet";
    default: return box.group.slice("ns:".length);
  }
}

export function groupDetail(box: GroupBox, model: MapModel, hosts: number): string {
  if (box.group === "machine" && hosts <= 1) return "this machine";
  const n = model.nodes.filter((m) => m.group === box.group && m.side === box.side).reduce((sum, m) => sum + (m.entity ? 1 : m.folded.length), 0);
  return box.side === "mid" ? String(n) : `${box.side === "in" ? "inbound" : "outbound"} · ${n}`;
}
