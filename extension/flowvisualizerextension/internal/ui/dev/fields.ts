// The attributes of a flow record that the mock server knows: those of the
// registry that the page makes something of.

import type { Field } from "../src/api/types.ts";
import { listings } from "../src/format/listings.ts";

const dimension = (name: string, type: Field["type"], description: string, values?: string[]): Field => ({
  name, type, unit: "", description, role: "dimension", groupable: type !== "time", ...(values ? { values } : {}),
});
const counter = (name: string, unit: string, description: string): Field => ({ name, type: "integer", unit, description, role: "counter", groupable: false });
const scopes = ["loopback", "link_local", "private", "unique_local", "cgnat", "multicast", "public"];

/** Of what merged records list. */
const listed = Object.entries(listings).filter(([of]) => !of.includes("original") && !of.includes("command_line"));

export const fields: Field[] = [
  dimension("flow.id", "keyword", "Identity of the record."),
  dimension("flow.start", "time", "Start of the interval."),
  dimension("flow.end", "time", "End of the interval."),
  dimension("flow.reporter", "keyword", "The end that made the record.", ["source", "destination", "forward"]),
  dimension("flow.peer.observed", "boolean", "Whether an agent also reports the other end."),
  dimension("flow.action", "keyword", "What the kernel did.", ["allow", "deny"]),
  dimension("flow.deny.reason", "keyword", "Why the kernel refused."),
  dimension("flow.deny.class", "keyword", "The same in plain words.", ["policy_drop", "reject", "no_listener", "timeout", "unreachable", "buffer", "invalid", "other"]),
  dimension("network.transport", "keyword", "Transport protocol.", ["tcp", "udp", "icmp", "ipv6-icmp", "sctp"]),
  dimension("network.type", "keyword", "IP version.", ["ipv4", "ipv6"]),
  ...(["source", "destination"] as const).flatMap((e) => [
    dimension(`${e}.address`, "address", `Address of the ${e}.`),
    dimension(`${e}.port`, "integer", `Port of the ${e}.`),
    dimension(`${e}.type`, "keyword", `What stands at the ${e}.`, ["pod", "host", "service", "network_set", "network"]),
    dimension(`${e}.scope`, "keyword", `Range that the ${e}'s address lies in.`, scopes),
    dimension(`${e}.process.executable.name`, "keyword", `Process at the ${e}.`),
    dimension(`${e}.k8s.namespace.name`, "keyword", "Namespace of the pod at this end, or of the network set."),
    dimension(`${e}.k8s.pod.name`, "keyword", "Pod at this end."),
    dimension(`${e}.k8s.pod.labels`, "map", "Labels of the pod when the record was made; none is an empty map."),
    dimension(`${e}.k8s.container.name`, "keyword", "Container of the pod."),
    dimension(`${e}.k8s.workload.kind`, "keyword", "Kind of the workload."),
    dimension(`${e}.k8s.workload.name`, "keyword", "Name of the workload."),
    dimension(`${e}.k8s.node.name`, "keyword", "Node that this end runs on, or is."),
    dimension(`${e}.cloud.availability_zone`, "keyword", "Zone of the node."),
    dimension(`${e}.network.name`, "keyword", "Named network that the address lies in."),
    dimension(`${e}.k8s.uncertain`, "keywords", "Why the identity of this end may be wrong or short.", ["ambiguous", "conflict", "forgotten", "lagging", "not_synced", "api_unavailable"]),
    counter(`${e}.bytes`, "By", `Bytes that the ${e} sent, IP layer.`),
    counter(`${e}.packets`, "{packet}", `Packets that the ${e} sent.`),
    counter(`${e}.payload.bytes`, "By", `Application bytes that the ${e} sent.`),
  ]),
  dimension("destination.k8s.service.name", "keyword", "Service that the source asked for."),
  dimension("destination.k8s.service.namespace", "keyword", "Namespace of the service."),
  dimension("destination.k8s.service.port", "integer", "Port of the service."),
  dimension("destination.k8s.service.port_name", "keyword", "Name of the port; empty where it has none."),
  dimension("destination.domains", "keywords", "Names that were looked up for the destination's address."),
  dimension("process.executable.name", "keyword", "The reporter's process."),
  dimension("process.pid", "integer", "Its process id."),
  dimension("k8s.node.name", "keyword", "Kubernetes node that made the record."),
  dimension("k8s.cluster.name", "keyword", "Kubernetes cluster of the observer."),
  dimension("host.name", "keyword", "The machine that made the record."),
  ...["seen", "started", "completed", "open", "reset", "timed_out", "abandoned"].map((n) => counter(`flow.connections.${n}`, "{connection}", `Connections ${n}.`)),
  counter("flow.tcp.rtt.sum", "us", "Sum of smoothed round-trip times."),
  counter("flow.tcp.rtt.samples", "{connection}", "Connections with a round-trip time."),
  { ...counter("flow.tcp.rtt.min", "us", "Least round-trip time."), role: "gauge" },
  { ...counter("flow.tcp.rtt.max", "us", "Largest round-trip time."), role: "gauge" },
  counter("flow.tcp.retransmits", "{packet}", "Segments sent again."),
  counter("flow.folded", "{record}", "Records that this one stands for that were more than the pipeline took."),
  dimension("flow.sampling.rate", "integer", "How many flows this one stands for."),
  dimension("flow.aggregation.level", "keyword", "What the records that were merged have in common.", ["0", "1", "2", "3", "keys", "overflow"]),
  counter("flow.aggregation.records", "{record}", "Records that were merged into this one."),
  dimension("flow.aggregation.estimated", "keywords", "Counts that are estimates."),
  ...listed.flatMap(([of, { list, count }]): Field[] => [
    ...(list === of ? [] : [dimension(list, "keywords", `Values of ${of} in the records that were merged, those with most bytes first.`)]),
    { ...counter(count, "{value}", `Distinct values of ${of} in the records that were merged.`), role: "gauge" },
  ]),
];
