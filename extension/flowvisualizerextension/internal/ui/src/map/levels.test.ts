import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { interval } from "../../dev/traffic";
import { matches } from "../../dev/evaluate";
import type { Flow } from "../api/types";
import { type End, entityFilter, kinds, type LevelId } from "./entity";
import { groupOfScope, levelIds, levels, opens } from "./levels";

const documented = readFileSync(new URL("../../../../../../docs/fields.md", import.meta.url), "utf8");

it("places every scope that the registry knows, and no other", () => {
  for (const end of ["source", "destination"]) {
    const line = documented.split("\n").find((l) => l.startsWith(`| \`${end}.scope\``))!;
    const values = /One of ([^.]+)\./.exec(line)![1]!.replaceAll("`", "").split(", ");
    expect(Object.keys(groupOfScope).sort(), end).toEqual(values.sort());
  }
});

it("asks for attributes that the registry knows, no more than the server groups by", () => {
  for (const level of Object.values(levels)) {
    for (const { by } of level.questions) {
      for (const name of by) expect(documented, name).toContain(`| \`${name}\``);
      expect(by.length, level.id).toBeLessThanOrEqual(22);
      expect(new Set(by).size, level.id).toBe(by.length);
    }
  }
});

/** An end of a record, as the attributes of that end. */
const at = (end: End, is: Record<string, string>): Flow => Object.fromEntries(Object.entries(is).map(([k, v]) => [`${end}.${k}`, v]));
const pod = { type: "pod", address: "10.42.0.7", "k8s.namespace.name": "shop", "k8s.workload.kind": "Deployment", "k8s.workload.name": "cart", "k8s.pod.name": "cart-1", "k8s.node.name": "node-a", "process.executable.name": "cart" };
/** Of several pods. */
const workload = { type: "pod", "k8s.namespace.name": "shop", "k8s.workload.kind": "Deployment", "k8s.workload.name": "cart" };
const host = { type: "host", scope: "private", address: "10.0.0.11", "k8s.node.name": "node-a", "process.executable.name": "kubelet" };

describe("who stands at an end", () => {
  it.each<[string, Record<string, string>, LevelId, string, string]>([
    ["a pod", pod, "namespace", "ns:shop", "cluster"],
    ["a pod", pod, "workload", "w:shop/Deployment/cart", "ns:shop"],
    ["a pod", pod, "pod", "pod:shop/cart-1", "ns:shop"],
    ["a pod", pod, "process", "p:cart", "machine"],
    ["a pod of which only the namespace is known", { type: "pod", address: "10.42.0.7", "k8s.namespace.name": "shop" }, "workload", "ns:shop", "ns:shop"],
    ["a node", host, "workload", "node:node-a", "nodes"],
    ["a node", host, "process", "p:kubelet", "machine"],
    ["a machine that is no node", { type: "host", address: "10.9.9.9", "process.executable.name": "sshd" }, "workload", "p:sshd", "machine"],
    ["a named network", { type: "network_set", scope: "private", address: "10.80.0.1", "network.name": "office" }, "pod", "net:office", "local"],
    ["a network set of a namespace", { type: "network_set", scope: "public", address: "203.0.113.1", "network.name": "cards", "k8s.namespace.name": "shop" }, "namespace", "net:cards", "internet"],
    ["an address", { type: "network", scope: "public", address: "203.0.113.1" }, "workload", "a:203.0.113.1", "internet"],
    ["nothing", {}, "namespace", "a:unknown address", "local"],
  ])("%s %j at level %s", (_, is, level, id, group) => {
    for (const end of ["source", "destination"] as const) expect(levels[level].entity(at(end, is), end), end).toMatchObject({ id, group });
  });
  it.each<[string, Record<string, string>, LevelId, string, string]>([
    ["pods", workload, "pod", "pods:shop/Deployment/cart", "ns:shop"],
    ["pods", workload, "workload", "w:shop/Deployment/cart", "ns:shop"],
    ["pods", workload, "namespace", "ns:shop", "cluster"],
    ["pods of an unknown workload", { type: "pod", "k8s.namespace.name": "shop" }, "pod", "ns:shop", "ns:shop"],
    ["addresses of a named network", { type: "network_set", scope: "private", "network.name": "office" }, "pod", "net:office", "local"],
    ["addresses of a range", { type: "network", scope: "public" }, "pod", "as:public", "internet"],
    ["addresses of a range", { type: "network", scope: "public" }, "address", "as:public", "internet"],
    ["addresses of a machine", { type: "host", scope: "private" }, "process", "as:private", "machine"],
    ["everything", {}, "workload", "as:mixed", "local"],
    ["one pod after all", pod, "pod", "pod:shop/cart-1", "ns:shop"],
  ])("of merged records: %s %j at level %s", (_, is, level, id, group) => {
    for (const end of ["source", "destination"] as const) expect(levels[level].entity({ ...at(end, is), "flow.aggregation.records": 7 }, end), end).toMatchObject({ id, group });
  });
  it.each<[LevelId, string]>([["namespace", "cluster"], ["workload", "ns:default"], ["pod", "ns:default"]])("a service without a backend at level %s", (level, group) => {
    const is = { type: "service", address: "10.43.0.1", "k8s.service.namespace": "default", "k8s.service.name": "kubernetes" };
    expect(levels[level].entity(at("destination", is), "destination")).toMatchObject({ id: "svc:default/kubernetes", group });
  });
  it("a node that was called by a service's name is still the node", () => {
    const is = { ...host, "k8s.service.namespace": "default", "k8s.service.name": "kubernetes" };
    expect(levels.workload.entity(at("destination", is), "destination").id).toBe("node:node-a");
  });
});

const flows = (["cluster", "merged"] as const).flatMap((scenario) => Array.from({ length: 12 }, (_, i) => interval(5000 + i, scenario))).flat().filter((f) => f["flow.folded"] === undefined);

describe.each(levelIds)("level %s", (id) => {
  const level = levels[id];
  it("has every flow in exactly one of its questions", () => {
    for (const f of flows) expect(level.questions.filter((q) => matches(q.of, f)), String(f["flow.id"])).toHaveLength(1);
  });
  it("sees in a group what it sees in the record", () => {
    for (const f of flows) {
      const { by } = level.questions.find((q) => matches(q.of, f))!;
      const key = Object.fromEntries([...by, "flow.aggregation.records"].map((b) => [b, f[b]]));
      for (const end of ["source", "destination"] as const) expect(level.entity(key, end)).toEqual(level.entity(f, end));
    }
  });
  it("gives filters that find the flows of an entity", () => {
    for (const f of flows) {
      for (const end of ["source", "destination"] as const) {
        const { id } = level.entity(f, end);
        for (const where of [end, "either"] as const) expect(matches(entityFilter(id, where)!, f), `${id} at ${where}`).toBe(true);
      }
    }
  });
});

describe("opening", () => {
  it.each<[string, LevelId, LevelId | undefined]>([
    ["ns:shop", "namespace", "workload"],
    ["w:shop/Deployment/cart", "workload", "pod"],
    ["pod:shop/cart-1", "pod", "process"],
    ["node:node-a", "namespace", "process"],
    ["net:office", "workload", "address"],
    ["svc:default/kubernetes", "pod", "address"],
    ["p:curl", "process", "address"],
    ["a:203.0.113.1", "process", "address"],
    ["a:203.0.113.1", "address", undefined],
    ["ns:shop", "workload", undefined],
  ])("%s at level %s", (id, from, want) => expect(opens(id, from)).toBe(want));
  it("leads only to levels that there are", () => {
    for (const k of Object.values(kinds)) if (k.opens) expect(levelIds).toContain(k.opens);
  });
});
