// What is counted of flows, added up.

import type { Group } from "../api/types";

export interface Totals {
  /** What the caller sent, and what came back. */
  sent: number;
  received: number;
  connections: number;
  open: number;
  completed: number;
  denied: number;
  reset: number;
  resetBySource: number;
  resetByDestination: number;
  timedOut: number;
  abandoned: number;
  retransmits: number;
  lost: number;
  packets: number;
  rttSum: number;
  rttSamples: number;
  rttMax: number;
  handshakeSum: number;
  handshakeSamples: number;
  windowLimited: number;
}

export const bytesOf = (t: Totals) => t.sent + t.received;

export function noTotals(): Totals {
  return {
    sent: 0, received: 0, connections: 0, open: 0, completed: 0, denied: 0, reset: 0, resetBySource: 0, resetByDestination: 0, timedOut: 0, abandoned: 0,
    retransmits: 0, lost: 0, packets: 0, rttSum: 0, rttSamples: 0, rttMax: 0, handshakeSum: 0, handshakeSamples: 0, windowLimited: 0,
  };
}

export function totalsOf(g: Pick<Group, "sums" | "denied" | "rttMax">): Totals {
  const s = (name: string) => g.sums[name] ?? 0;
  return {
    sent: s("source.bytes"),
    received: s("destination.bytes"),
    connections: s("flow.connections.seen"),
    open: Math.max(0, s("flow.connections.started") - s("flow.connections.completed")),
    completed: s("flow.connections.completed"),
    denied: g.denied,
    reset: s("flow.connections.reset"),
    resetBySource: s("flow.connections.reset_by_source"),
    resetByDestination: s("flow.connections.reset_by_destination"),
    timedOut: s("flow.connections.timed_out"),
    abandoned: s("flow.connections.abandoned"),
    retransmits: s("flow.tcp.retransmits"),
    lost: s("flow.tcp.lost"),
    packets: s("source.packets") + s("destination.packets"),
    rttSum: s("flow.tcp.rtt.sum"),
    rttSamples: s("flow.tcp.rtt.samples"),
    rttMax: g.rttMax ?? 0,
    handshakeSum: s("flow.tcp.handshake.sum"),
    handshakeSamples: s("flow.tcp.handshake.samples"),
    windowLimited: s("flow.tcp.window_limited"),
  };
}

export function addTotals(into: Totals, t: Totals): void {
  for (const k of Object.keys(into) as (keyof Totals)[]) {
    into[k] = k === "rttMax" ? Math.max(into[k], t[k]) : into[k] + t[k];
  }
}

/**
 * Whether nobody answered: all that was let through and has ended was given up by its
 * callers, and nothing came back. So it looks from a source when another node drops it.
 */
export function unanswered(t: Pick<Totals, "completed" | "denied" | "abandoned" | "received">): boolean {
  return t.abandoned > 0 && t.abandoned === t.completed - t.denied && t.received === 0;
}
