import { describe, expect, it } from "vitest";
import type { Group } from "../api/types";
import { edgeFilters, entityFilter } from "./entity";
import { levels } from "./levels";
import { serialise } from "../filter/grammar";
import { share } from "./fold";
import { buildModel } from "./build";
import { type MapModel, type ModelOptions, plain } from "./model";
import { bytesOf } from "./totals";

interface Talk {
  from: string;
  to: string;
  bytes?: number;
  denied?: number;
  connections?: number;
  port?: number;
  reason?: string;
}

/** "p:name" is a process of this machine, anything else an address. */
function end(side: "source" | "destination", who: string): Group["key"] {
  const process = who.startsWith("p:") ? who.slice(2) : undefined;
  const address = process === undefined ? who : "192.168.1.42";
  const host = process !== undefined || address === "192.168.1.42" || address.startsWith("127.");
  const scope = address.startsWith("127.") ? "loopback" : address.startsWith("192.168.") ? "private" : "public";
  return { [`${side}.type`]: host ? "host" : "network", [`${side}.scope`]: scope, [`${side}.address`]: address, ...(process === undefined ? {} : { [`${side}.process.executable.name`]: process }) };
}

function group(t: Talk): Group {
  const denied = t.denied ?? 0;
  return {
    key: { ...end("source", t.from), ...end("destination", t.to), "destination.port": t.port ?? 443, ...(t.reason ? { "flow.deny.class": t.reason } : {}) },
    records: 1,
    sums: { "source.bytes": t.bytes ?? 100, "destination.bytes": 0, "flow.connections.seen": t.connections ?? 1 },
    denied,
  };
}

const options: ModelOptions = { level: levels.process, rows: 8, unfolded: [], keep: new Set(), shown: new Set(), focus: null };
const build = (talks: Talk[], change: Partial<ModelOptions> = {}) => buildModel(talks.map(group), { ...options, ...change });
const node = (m: MapModel, key: string) => m.nodes.find((n) => n.key === key);
const total = (m: MapModel) => m.edges.reduce((n, e) => n + bytesOf(e.totals), 0);

describe("groups of the map", () => {
  const m = build([
    { from: "192.168.1.20", to: "p:sshd", port: 22 },
    { from: "p:chromium", to: "203.0.113.10" },
    { from: "p:chromium", to: "192.168.1.20", port: 80 },
    { from: "p:node", to: "p:postgres", port: 5432 },
  ]);
  it("puts callers left, this machine in the middle and callees right", () => {
    expect(m.nodes.map((n) => [n.key, n.side, n.group]).sort()).toEqual([
      ["in|a:192.168.1.20", "in", "local"],
      ["out|a:192.168.1.20", "out", "local"],
      ["out|a:203.0.113.10", "out", "internet"],
      ["p:chromium", "mid", "machine"],
      ["p:node", "mid", "machine"],
      ["p:postgres", "mid", "machine"],
      ["p:sshd", "mid", "machine"],
    ]);
  });
  it("counts an address that stands on both sides once", () => expect(m.entities).toBe(6));
  it("keeps loopback inside the machine", () => expect(m.edges.map((e) => e.key)).toContain("p:node > p:postgres"));
  it("knows the ports a process was called at", () => {
    expect(node(m, "p:postgres")?.ports).toEqual([5432]);
    expect(node(m, "p:chromium")?.ports).toEqual([]);
  });
  it("treats a host address without a process as part of the machine", () => {
    expect(node(build([{ from: "198.51.100.7", to: "192.168.1.42", port: 23 }]), "a:192.168.1.42")?.group).toBe("machine");
  });
});

describe("edges of the map", () => {
  it("join allowed and denied between the same two, with the reason", () => {
    const m = build([
      { from: "p:curl", to: "203.0.113.10", bytes: 500, connections: 4 },
      { from: "p:curl", to: "203.0.113.10", bytes: 60, connections: 2, denied: 2, port: 23, reason: "no_listener" },
    ]);
    expect(m.edges).toHaveLength(1);
    expect(m.edges[0]).toMatchObject({ ports: [443, 23], reasons: ["no_listener"], totals: { denied: 2, connections: 6, sent: 560 } });
  });
  it("come largest first", () => {
    const m = build([{ from: "p:a", to: "203.0.113.1", bytes: 1 }, { from: "p:a", to: "203.0.113.2", bytes: 9 }]);
    expect(m.edges.map((e) => bytesOf(e.totals))).toEqual([9, 1]);
  });
});

describe("folding", () => {
  const many = Array.from({ length: 5000 }, (_, i): Talk => ({ from: "p:crawler", to: `203.0.${i >> 8}.${i & 255}`, bytes: 10_000 - i }));
  it("draws few nodes for 5,000 addresses and loses no byte", () => {
    const m = build(many);
    expect(m.nodes.filter((n) => n.side === "out")).toHaveLength(8);
    expect(m.folded).toBe(4993);
    expect(m.entities).toBe(5001);
    expect(total(m)).toBe(many.reduce((n, t) => n + t.bytes!, 0));
  });
  it("keeps the largest, the denied and what is asked for", () => {
    const m = build([...many, { from: "p:crawler", to: "198.51.100.1", bytes: 0, denied: 3 }], { keep: new Set(["a:203.0.18.0"]) });
    const shown = m.nodes.map((n) => n.key);
    expect(shown).toContain("out|a:203.0.0.0");
    expect(shown).toContain("out|a:198.51.100.1");
    expect(shown).toContain("out|a:203.0.18.0");
  });
  it("shows all of a group that was opened", () => {
    expect(build(many, { unfolded: ["internet-out"] }).folded).toBe(0);
  });
  it("never folds a single one", () => {
    expect(build(many.slice(0, 9)).folded).toBe(2);
    expect(build(many.slice(0, 8)).folded).toBe(0);
  });
  it("lets what is drawn stay while others are only a little larger", () => {
    const talks = many.slice(0, 9);
    const last = "out|a:203.0.0.8";
    expect(node(build(talks), last)).toBeUndefined();
    expect(node(build(talks, { shown: new Set([last]) }), last)).toBeDefined();
  });
  it.each([
    [[3, 3], 8, [3, 3]],
    [[10, 10], 8, [4, 4]],
    [[2, 50], 8, [2, 6]],
    [[5000], 8, [8]],
    [[0, 4], 3, [2, 3]],
  ])("shares rows among groups of %j: %i", (needs, rows, want) => expect(share(needs, rows)).toEqual(want));
});

describe("focus", () => {
  it("leaves only neighbours", () => {
    const m = build([{ from: "p:a", to: "p:b" }, { from: "p:b", to: "203.0.113.1" }, { from: "p:c", to: "203.0.113.2" }], { focus: "p:b" });
    expect(m.nodes.map((n) => plain(n.key)).sort()).toEqual(["a:203.0.113.1", "p:a", "p:b"]);
  });
});

describe("order", () => {
  it("is the same whatever order the groups come in", () => {
    const talks = Array.from({ length: 60 }, (_, i): Talk => ({ from: `p:p${i % 7}`, to: `203.0.113.${i % 23}`, bytes: (i * 37) % 11, denied: i % 13 === 0 ? 1 : 0 }));
    const shuffled = [...talks].sort((a, b) => ((a.bytes! * 31 + a.to.length) % 7) - ((b.bytes! * 31 + b.to.length) % 7)).reverse();
    expect(build(shuffled)).toEqual(build(talks));
  });
});

describe("merged records", () => {
  it("stand as several where they have no pod or address of their own", () => {
    const end = (side: string, name: string) => ({ [`${side}.type`]: "pod", [`${side}.scope`]: "private", [`${side}.k8s.namespace.name`]: "shop", [`${side}.k8s.workload.kind`]: "Deployment", [`${side}.k8s.workload.name`]: name });
    const groups = [
      { ...group({ from: "", to: "" }), key: { ...end("source", "cart"), ...end("destination", "redis"), "destination.k8s.pod.name": "redis-0" }, sums: { "source.bytes": 7, "flow.aggregation.records": 3 } },
      { ...group({ from: "", to: "" }), key: { "source.type": "network", "source.scope": "public", ...end("destination", "cart") }, sums: { "source.bytes": 5, "flow.aggregation.records": 9 } },
    ];
    const m = buildModel(groups, { ...options, level: levels.pod });
    expect(m.edges.map((e) => e.key)).toEqual(["pods:shop/Deployment/cart > pod:shop/redis-0", "in|as:public > pods:shop/Deployment/cart"]);
    expect(m.nodes.map((n) => n.entity?.title).sort()).toEqual(["cart", "public addresses", "redis-0"]);
  });
});

describe("levels", () => {
  it("give filters that find an entity and an edge", () => {
    expect(serialise(entityFilter("p:my program", "either")!)).toBe('either.process.executable.name = "my program"');
    expect(serialise(entityFilter("a:unknown address", "source")!)).toBe("source.address not exists");
    expect(edgeFilters("p:curl", "a:2001:db8::1")!.map(serialise)).toEqual(["source.process.executable.name = curl", "destination.address = 2001:db8::1"]);
    expect(entityFilter("fold|internet-out", "either")).toBeUndefined();
  });
  it("draw this machine's addresses apart from each other at the address level", () => {
    const m = build([{ from: "p:node", to: "203.0.113.1" }], { level: levels.address });
    expect(m.nodes.map((n) => n.key).sort()).toEqual(["a:192.168.1.42", "out|a:203.0.113.1"]);
  });
});
