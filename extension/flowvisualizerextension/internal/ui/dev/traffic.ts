// Seeded traffic of one machine: the same five seconds always hold the same
// records, whenever and however often they are asked for.

import type { Flow } from "../src/api/types.ts";
import { cluster } from "./cluster.ts";
import { merged, window } from "./merged.ts";
import { lo, me, record, type Talk } from "./talk.ts";

/** many: a process that calls 5,000 addresses; loss: a ring buffer that overflowed; idle: nothing at all; first: a recording that has only just begun; loopback: programs that call each other and themselves; cluster: a Kubernetes cluster of three nodes; merged: the same with an aggregation in between. */
export type Scenario = "usual" | "many" | "loss" | "idle" | "first" | "loopback" | "cluster" | "merged";

/** The scenarios of a Kubernetes cluster. */
export const inKubernetes = (scenario: Scenario) => scenario === "cluster" || scenario === "merged";

const talks: Talk[] = [
  { from: [undefined, "192.168.1.20"], to: ["sshd", me], port: 22, rate: 0.3, sent: 9_000, received: 62_000, rtt: 900 },
  { from: [undefined, "192.168.1.31"], to: ["node", me], port: 3000, rate: 1.4, sent: 2_400, received: 41_000, rtt: 1300 },
  { from: [undefined, "198.51.100.77"], to: [undefined, me], port: 23, rate: 0.5, sent: 60, received: 40, rtt: 0, deny: "no_listener" },
  { from: ["chromium", me], to: [undefined, "203.0.113.10"], port: 443, rate: 3, sent: 8_200, received: 310_000, rtt: 9_200 },
  { from: ["chromium", me], to: [undefined, "203.0.113.54"], port: 443, rate: 1.2, sent: 4_100, received: 84_000, rtt: 12_500, reset: 0.05 },
  { from: ["chromium", me], to: [undefined, "2001:db8:0:40::15"], port: 443, rate: 0.7, sent: 3_000, received: 52_000, rtt: 14_000 },
  { from: ["chromium", lo], to: ["node", lo], port: 3000, rate: 0.8, sent: 1_400, received: 120_000, rtt: 40 },
  { from: ["apt-get", me], to: [undefined, "192.0.2.80"], port: 80, rate: 0.25, sent: 1_100, received: 2_400_000, rtt: 22_000 },
  { from: ["node", lo], to: ["postgres", lo], port: 5432, rate: 2.1, sent: 1_800, received: 9_600, rtt: 50 },
  { from: ["node", lo], to: ["redis-server", lo], port: 6379, rate: 1.7, sent: 420, received: 1_300, rtt: 35 },
  { from: ["node", me], to: [undefined, "203.0.113.88"], port: 443, rate: 0.4, sent: 2_900, received: 7_100, rtt: 31_000 },
  { from: ["systemd-resolve", me], to: [undefined, "192.168.1.1"], port: 53, transport: "udp", rate: 1.6, sent: 72, received: 180, rtt: 1_800 },
  { from: ["curl", me], to: [undefined, "203.0.113.140"], port: 5432, rate: 0.6, sent: 60, received: 0, rtt: 0, deny: "policy_drop" },
  { from: ["curl", me], to: [undefined, "192.168.1.99"], port: 443, rate: 0.2, sent: 180, received: 0, rtt: 0, deny: "timeout" },
  { from: ["prometheus", lo], to: ["node", lo], port: 9464, rate: 1, sent: 300, received: 18_000, rtt: 45 },
];

const loopback: Talk[] = [
  { from: ["python3.11", lo], to: ["python3.11", lo], port: 35367, rate: 40, sent: 260, received: 1_300, rtt: 12 },
  { from: ["curl", lo], to: ["otelcol-flowlogs", lo], port: 8699, rate: 0.5, sent: 440, received: 1_900, rtt: 180 },
  { from: ["chromium", lo], to: ["otelcol-flowlogs", lo], port: 8699, rate: 1.5, sent: 2_200, received: 37_000, rtt: 4_900 },
  { from: ["chromium", lo], to: [undefined, lo], port: 8686, rate: 0.4, sent: 52, received: 52, rtt: 0, deny: "no_listener" },
  { from: ["node", lo], to: ["node", lo], port: 3000, rate: 1, sent: 900, received: 4_000, rtt: 30 },
  { from: ["node", lo], to: ["otelcol-flowlogs", lo], port: 4317, rate: 0.5, sent: 3_000, received: 200, rtt: 60 },
  { from: ["ruby", lo], to: ["ruby", lo], port: 4567, rate: 1, sent: 900, received: 4_000, rtt: 30 },
  { from: ["ruby", lo], to: ["ruby", lo], port: 4568, rate: 0.6, sent: 52, received: 52, rtt: 0, deny: "no_listener" },
];

function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The records whose interval ends at (index + 1) × intervalMs. */
export function interval(index: number, scenario: Scenario): Flow[] {
  if (scenario === "idle") return [];
  if (scenario === "merged") return index % window === 0 ? merged(Array.from({ length: window }, (_, i) => interval(index - i, "cluster")).flat(), index) : [];
  const next = random(index * 7919 + 17);
  const flows: Flow[] = [];
  const wave = 1 + 0.5 * Math.sin(index / 17) + 0.25 * Math.sin(index / 5);
  for (const [i, t] of talksOf(scenario).entries()) {
    const burst = t.deny && index % 40 < 6 ? 5 : 1;
    // Nobody is new after the first interval of a young recording: what moves on its map then is no newcomer's doing.
    const n = Math.max(scenario === "first" ? 1 : 0, Math.floor(t.rate * wave * burst + next()));
    if (n > 0) flows.push(record(index, i, t, n, next));
  }
  if (scenario === "many") flows.push(...crawl(index, next));
  return flows;
}

function talksOf(scenario: Scenario): readonly Talk[] {
  if (scenario === "cluster") return cluster;
  return scenario === "loopback" ? loopback : talks;
}

function crawl(index: number, next: () => number): Flow[] {
  return Array.from({ length: 60 }, (_, k) => {
    const host = (index * 60 + k) % 5000;
    const talk: Talk = { from: ["crawler", me], to: [undefined, `203.${host >> 8}.${host & 255}.7`], port: 443, rate: 1, sent: 900, received: 12_000, rtt: 20_000 };
    return record(index, 100 + k, talk, 1, next);
  });
}
