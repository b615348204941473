import { expect, it } from "vitest";
import { captured } from "./captured";

const tcp = { name: "tcp", on: true, detail: "" };
const line = (lines: ReturnType<typeof captured>, what: RegExp) => lines.find((l) => what.test(l.what));

it("claims only what the agent reports", () => {
  const lines = captured([tcp]);
  expect(lines.filter((l) => l.on).map((l) => l.what)).toEqual(["TCP: bytes, RTT, process, refusals"]);
  expect(lines.filter((l) => l.state === "not in this version").map((l) => l.what)).toEqual([
    "UDP, ICMP, SCTP, other IP", "Denied: who, where, why", "Domain names and DNS lookups", "Forwarded traffic", "Backends behind services", "Kubernetes policy",
  ]);
  expect(captured([]).some((l) => l.on)).toBe(false);
});

it("says of an engine what the agent says, and no more than once", () => {
  const lines = captured([tcp, { name: "datagram", on: true, detail: "" }, { name: "forward", on: false, detail: "conntrack is not loaded" }]);
  expect(lines).toHaveLength(captured([tcp]).length);
  expect(line(lines, /UDP/)).toMatchObject({ on: true, state: "on" });
  expect(line(lines, /Forwarded/)).toMatchObject({ on: false, state: "off", detail: "conntrack is not loaded" });
});

it("says whether records have the names of a cluster, and how they get them", () => {
  expect(line(captured([tcp], true), /Kubernetes names/)).toMatchObject({ on: true, state: "on", detail: "" });
  expect(line(captured([tcp], false), /Kubernetes names/)).toMatchObject({ on: false, state: "off", detail: expect.stringContaining("flow_k8s") });
});

it("shows an engine that this page does not know by its name", () => {
  expect(captured([tcp, { name: "quic", on: true, detail: "" }]).at(-1)).toEqual({ what: "quic", on: true, state: "on", detail: "" });
});
