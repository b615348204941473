// What goes on between two ends, and the records that it makes.

import type { Flow } from "../src/api/types.ts";

/** Length of the agent's intervals. */
export const intervalMs = 5000;

/** The machine that records, and its loopback address. */
export const me = "192.168.1.42";
export const lo = "127.0.0.1";

export interface Talk {
  from: [process: string | undefined, address: string];
  to: [process: string | undefined, address: string];
  port: number;
  transport?: "tcp" | "udp";
  /** Connections per interval, bytes per connection from the caller and back, RTT in µs. */
  rate: number;
  sent: number;
  received: number;
  rtt: number;
  deny?: keyof typeof denyReasons;
  reset?: number;
  /** What is known besides, beyond what follows from the rest. */
  more?: Flow;
}

function scope(address: string): string {
  if (address.startsWith("127.")) return "loopback";
  return address.startsWith("192.168.") || address.startsWith("10.") ? "private" : "public";
}

const denyReasons = { policy_drop: "netfilter_drop", no_listener: "no_socket", timeout: "timed_out" };

/** The record of n connections in the interval that ends at (index + 1) × intervalMs; i tells it from others of the interval. */
export function record(index: number, i: number, t: Talk, n: number, next: () => number): Flow {
  const end = (index + 1) * intervalMs - Math.floor(next() * 900);
  const jitter = 0.6 + next() * 0.8;
  const sent = Math.round(t.sent * n * jitter);
  const received = Math.round(t.received * n * jitter);
  const deny = t.deny !== undefined;
  const reset = !deny && t.reset && next() < t.reset * n ? 1 : 0;
  const open = !deny && t.sent > 5_000 && next() < 0.3 ? 1 : 0;
  const f: Flow = {
    "flow.id": `${index.toString(36)}-${i.toString(36)}`,
    "flow.start": new Date(end - intervalMs + Math.floor(next() * 2000)).toISOString(),
    "flow.end": new Date(end).toISOString(),
    "flow.reporter": t.from[0] ? "source" : "destination",
    "flow.peer.observed": t.from[0] !== undefined && t.to[0] !== undefined,
    "flow.action": deny ? "deny" : "allow",
    "flow.deny.reason": t.deny === undefined ? undefined : denyReasons[t.deny],
    "flow.deny.class": t.deny,
    "network.transport": t.transport ?? "tcp",
    "network.type": t.to[1].includes(":") ? "ipv6" : "ipv4",
    "source.address": t.from[1],
    "destination.address": t.to[1],
    "destination.port": t.port,
    "destination.domains": t.from[0] && scope(t.to[1]) === "public" && t.port === 443 ? ["cdn.example.net", "www.example.com"] : undefined,
    "source.type": t.from[1] === me || t.from[1] === lo ? "host" : "network",
    "destination.type": t.to[1] === me || t.to[1] === lo ? "host" : "network",
    "source.scope": scope(t.from[1]),
    "destination.scope": scope(t.to[1]),
    "source.process.executable.name": t.from[0],
    "destination.process.executable.name": t.to[0],
    "process.executable.name": t.from[0] ?? t.to[0],
    "process.pid": 600 + i * 37,
    "source.bytes": sent,
    "destination.bytes": received,
    "source.packets": Math.ceil(sent / 900) + n,
    "destination.packets": Math.ceil(received / 1400),
    "source.payload.bytes": deny ? 0 : Math.round(sent * 0.94),
    "destination.payload.bytes": deny ? 0 : Math.round(received * 0.96),
    "flow.connections.seen": n,
    "flow.connections.started": n,
    "flow.connections.completed": n - open,
    "flow.connections.open": open,
    "flow.connections.reset": reset,
    "flow.connections.timed_out": 0,
    "flow.connections.abandoned": 0,
    "host.name": "debian-vm",
    ...t.more,
  };
  if (t.rtt > 0) {
    f["flow.tcp.rtt.sum"] = Math.round(t.rtt * n * jitter);
    f["flow.tcp.rtt.samples"] = n;
    f["flow.tcp.rtt.min"] = Math.round(t.rtt * 0.8);
    f["flow.tcp.rtt.max"] = Math.round(t.rtt * 1.9 * jitter);
    f["flow.tcp.retransmits"] = next() < 0.05 ? 1 : 0;
  }
  for (const k of Object.keys(f)) if (f[k] === undefined) delete f[k];
  return f;
}
