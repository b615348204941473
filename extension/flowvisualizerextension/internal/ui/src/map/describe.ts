// The words on the map: what stands below a node's name, on an edge, and what
// a screen reader says.

import { bytes, count, counted } from "../format/format";
import { portLabel } from "../format/services";
import { denyWord } from "../frame/icons";
import { bytesOf, type MapEdge, type MapNode } from "./model";

const portList = (ports: readonly number[]) => ports.slice(0, 2).join(", ") + (ports.length > 2 ? ` +${ports.length - 2}` : "");

export function nodeTitle(n: MapNode): string {
  return n.entity?.title ?? `${count(n.folded.length)} more`;
}

export function nodeDetail(n: MapNode): string {
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

export function denyLabel(e: MapEdge): string {
  const words = [...new Set(e.reasons.map(denyWord))];
  return `${count(e.totals.denied)} ${words.length === 1 ? words[0] : "denied"}`;
}

export function nodeSpoken(n: MapNode): string {
  const denied = n.totals.denied > 0 ? `, ${n.totals.denied} denied` : "";
  return `${nodeTitle(n)}, ${nodeDetail(n)}${denied}`;
}
