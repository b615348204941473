// The traffic of a small Kubernetes cluster: a shop, its data, payments, the
// system's own pods, and who calls from outside.

import type { Flow } from "../src/api/types.ts";
import type { Talk } from "./talk.ts";

export const clusterName = "shop-prod";
export const nodeNames = ["node-a", "node-b", "node-c"];
const zones = ["eu-1a", "eu-1b", "eu-1b"];

interface Who {
  address: string;
  process?: string;
  /** Attributes of the end, without its name in front. */
  is: Record<string, Flow[string]>;
  /** Its replicas; a talk goes round among them. */
  siblings?: Who[];
}

let pods = 0;

function node(index: number, process: string): Who {
  return { address: `10.0.0.${11 + index}`, process, is: { type: "host", "k8s.node.name": nodeNames[index], "cloud.availability_zone": zones[index] } };
}

function workload(namespace: string, kind: string, name: string, suffixes: string[], process = name, hostNetwork = false): Who {
  const replicas = suffixes.map((suffix): Who => {
    const on = pods++ % nodeNames.length;
    return {
      address: hostNetwork ? `10.0.0.${11 + on}` : `10.42.${on}.${10 + pods}`,
      process,
      is: {
        type: "pod", "k8s.namespace.name": namespace, "k8s.pod.name": `${name}-${suffix}`, "k8s.container.name": name, "k8s.workload.kind": kind, "k8s.workload.name": name,
        "k8s.pod.labels": { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace, tier: kind === "StatefulSet" ? "data" : "app" },
        "k8s.node.name": nodeNames[on], "cloud.availability_zone": zones[on],
      },
    };
  });
  return { ...replicas[0]!, siblings: replicas };
}

const outside = (address: string, name?: string): Who => ({ address, is: { type: name === undefined ? "network" : "network_set", "network.name": name } });
const service = (namespace: string, name: string, address: string, port: number, portName = ""): Who => ({ address, is: { type: "service", ...asked(namespace, name, port, portName) } });

function asked(namespace: string, name: string, port: number, portName: string): Who["is"] {
  return { "k8s.service.namespace": namespace, "k8s.service.name": name, "k8s.service.port": port, "k8s.service.port_name": portName };
}

const gateway = workload("ingress", "Deployment", "gateway", ["5c8d7-2xkfp", "5c8d7-9hq4t", "5c8d7-zl7wm"], "envoy");
const storefront = workload("shop", "Deployment", "storefront", ["6f7b9-4mzt8", "6f7b9-lw6hd", "6f7b9-q8rtn"], "node");
const catalog = workload("shop", "Deployment", "catalog", ["84bb5-h2v5n", "84bb5-xk9sd"]);
const cart = workload("shop", "Deployment", "cart", ["7d9f6-b5gqw"]);
const checkout = workload("shop", "Deployment", "checkout", ["7d9f4-4mzt8", "7d9f4-lw6hd"], "java");
const recommend = workload("shop", "Deployment", "recommend", ["6c9d8-x2kqp"], "python3.11");
const orders = workload("data", "StatefulSet", "orders-db", ["0", "1"], "postgres");
const redis = workload("data", "StatefulSet", "redis", ["0"], "redis-server");
const payments = workload("payments", "Deployment", "payments-api", ["58b4c-qq7cz", "58b4c-9vr2x"]);
const ledger = workload("payments", "StatefulSet", "ledger", ["0"], "postgres");
const fraud = workload("payments", "Deployment", "fraud-scorer", ["66d5b-mm2kx"], "python3.11");
const coredns = workload("kube-system", "Deployment", "coredns", ["5d78c-7xw2v", "5d78c-kk8ld"]);
const prometheus = workload("monitoring", "StatefulSet", "prometheus", ["0"]);
const grafana = workload("monitoring", "Deployment", "grafana", ["7b6f9-tt5zn"]);
const exporter = workload("monitoring", "DaemonSet", "node-exporter", ["4kq2x", "bv7ml", "rt9ws"], "node_exporter", true);
const report = workload("batch", "CronJob", "nightly-report", ["29381-x7v2k"], "python3.11");

type Line = [from: Who, to: Who, port: number, rate: number, sent: number, received: number, more?: Partial<Talk>];

/** Asked for by the name of a service in the namespace of what is called. */
const by = (who: Who, port: number, portName: string): Who => {
  const named = (w: Who): Who => ({ ...w, is: { ...w.is, ...asked(String(w.is["k8s.namespace.name"]), String(w.is["k8s.workload.name"]), port, portName) } });
  return { ...named(who), siblings: who.siblings?.map(named) ?? [] };
};

const lines: Line[] = [
  ...["198.51.100.23", "198.51.100.77", "203.0.113.9", "203.0.113.140"].map((a, i): Line => [outside(a), by(gateway, 443, "https"), 8443, 4 - i, 4_200, 96_000 - i * 9_000]),
  [gateway, by(storefront, 80, "http"), 8080, 6, 5_200, 78_000],
  [storefront, by(catalog, 80, "http"), 8080, 5, 1_900, 33_000],
  [storefront, by(cart, 80, "http"), 8080, 3, 1_400, 6_200],
  [storefront, by(recommend, 80, "http"), 8080, 2, 900, 12_000],
  [storefront, by(checkout, 80, "http"), 8080, 1.5, 3_100, 8_800],
  [catalog, by(orders, 5432, "sql"), 5432, 4, 2_600, 44_000],
  [cart, by(redis, 6379, ""), 6379, 4, 700, 2_400],
  [checkout, by(payments, 443, "https"), 8443, 1.5, 4_600, 3_900],
  [checkout, payments, 9090, 0.8, 60, 0, { deny: "policy_drop", rtt: 0 }],
  [recommend, by(orders, 5432, "sql"), 5432, 1.2, 60, 0, { deny: "policy_drop", rtt: 0 }],
  [payments, by(ledger, 5432, "sql"), 5432, 2, 2_200, 5_100],
  [payments, by(fraud, 80, "http"), 8080, 1.2, 1_600, 900],
  [payments, outside("203.0.113.201", "card-network"), 443, 1, 5_600, 4_200],
  [fraud, outside("192.0.2.55"), 443, 0.6, 60, 0, { deny: "policy_drop", rtt: 0 }],
  [storefront, by(coredns, 53, "dns"), 53, 2, 80, 190, { transport: "udp", rtt: 0 }],
  [coredns, service("default", "kubernetes", "10.43.0.1", 443, "https"), 443, 0.4, 900, 14_000],
  [grafana, by(prometheus, 9090, "http"), 9090, 0.8, 1_100, 62_000],
  [prometheus, exporter, 9100, 1, 400, 41_000],
  [prometheus, coredns, 9153, 0.7, 400, 9_000],
  [outside("10.80.14.6", "office-vpn"), grafana, 3000, 0.7, 2_400, 61_000],
  [report, by(orders, 5432, "sql"), 5432, 0.3, 9_000, 900_000, { more: { "source.k8s.uncertain": ["ambiguous", "lagging"] } }],
  [node(0, "kubelet"), payments, 8443, 0.5, 300, 500],
  [node(1, "kubelet"), coredns, 8181, 0.5, 300, 400],
  [{ address: "10.20.0.7", is: { type: "network" } }, by(payments, 443, "https"), 8443, 0.3, 1_900, 2_600],
];

/** The same talk by each replica of the caller, to one of what is called. */
export const cluster: readonly Talk[] = lines.flatMap(([from, to, port, rate, sent, received, more], i) => {
  const callers = from.siblings ?? [from];
  const called = to.siblings ?? [to];
  return callers.map((caller, k) => {
    const callee = called[(k + i) % called.length]!;
    return {
      from: [caller.process, caller.address], to: [callee.process, callee.address], port, rate: rate / callers.length, sent, received, rtt: 900, ...more,
      more: { ...attributes("source", caller), ...attributes("destination", callee), ...observer(caller, callee), ...more?.more },
    } satisfies Talk;
  });
});

function attributes(end: string, who: Who): Flow {
  return Object.fromEntries(Object.entries(who.is).map(([name, v]) => [`${end}.${name}`, v]));
}

/** The node that made the record: the caller's, or where none is recorded that of what was called. */
function observer(caller: Who, called: Who): Flow {
  const on = caller.is["k8s.node.name"] ?? called.is["k8s.node.name"];
  return { "host.name": on, "k8s.node.name": on, "k8s.cluster.name": clusterName };
}
