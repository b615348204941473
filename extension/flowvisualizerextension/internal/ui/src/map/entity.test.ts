import { describe, expect, it } from "vitest";
import { parse, serialise } from "../filter/grammar";
import { edgeFilters, type End, entityAbout, entityFilter, entityName, entityTitle, filteredEntity, kinds, named } from "./entity";

const filter = (id: string, end: End | "either") => {
  const e = entityFilter(id, end);
  return e && serialise(e);
};

const ids = ["ns:shop", "w:shop/Deployment/checkout", "pod:shop/checkout-7d9f4-4mzt8", "svc:default/kubernetes", "net:office/vpn 2", "node:node-a", "p:/usr/bin/x:y", "a:2001:db8::1", "pods:shop/Deployment/checkout", "as:public"];

describe("an id", () => {
  it("has a prefix that no other kind has", () => expect(new Set(Object.values(kinds).map((k) => k.prefix)).size).toBe(Object.keys(kinds).length));
  it.each([
    ["ns:shop", "shop", "shop", "namespace"],
    ["w:shop/Deployment/checkout", "checkout", "checkout in shop", "Deployment in shop"],
    ["pod:shop/checkout-7d9f4-4mzt8", "checkout-7d9f4-4mzt8", "checkout-7d9f4-4mzt8 in shop", "pod in shop"],
    ["svc:default/kubernetes", "kubernetes", "kubernetes in default", "service in default"],
    ["net:office/vpn 2", "office/vpn 2", "office/vpn 2", "named network"],
    ["node:node-a", "node-a", "node-a", "node"],
    ["p:/usr/bin/x:y", "/usr/bin/x:y", "/usr/bin/x:y", "process"],
    ["a:2001:db8::1", "2001:db8::1", "2001:db8::1", "address"],
    ["pods:shop/Deployment/checkout", "checkout", "pods of checkout in shop", "several pods, Deployment in shop"],
    ["as:link_local", "link local addresses", "link local addresses", "several addresses"],
    ["as:mixed", "several addresses", "several addresses", "several addresses"],
  ])("%s is shown as %s, %s, %s", (id, title, name, about) => expect([entityTitle(id), entityName(id), entityAbout(id)]).toEqual([title, name, about]));
  it.each(["fold|ns:shop-mid", "x:y", "w:shop/checkout", "", ":"])("%s names nothing", (id) => {
    expect(named(id)).toBeUndefined();
    expect(entityFilter(id, "either")).toBeUndefined();
  });
});

describe("a filter", () => {
  it.each<[string, End | "either", string | undefined]>([
    ["ns:shop", "either", "either.k8s.namespace.name = shop"],
    ["w:shop/Deployment/checkout", "source", "source.k8s.namespace.name = shop and source.k8s.workload.kind = Deployment and source.k8s.workload.name = checkout"],
    ["pod:shop/a-1", "destination", "destination.k8s.namespace.name = shop and destination.k8s.pod.name = a-1"],
    ["net:office/vpn 2", "either", 'either.network.name = "office/vpn 2"'],
    ["node:node-a", "source", "source.type = host and source.k8s.node.name = node-a"],
    ["svc:default/kubernetes", "either", "destination.type = service and destination.k8s.service.namespace = default and destination.k8s.service.name = kubernetes"],
    ["svc:default/kubernetes", "source", undefined],
    ["pods:shop/Deployment/cart", "source", "source.k8s.namespace.name = shop and source.k8s.workload.kind = Deployment and source.k8s.workload.name = cart and source.k8s.pod.names exists"],
    ["as:public", "either", "source.scope = public and source.addresses exists or destination.scope = public and destination.addresses exists"],
    ["as:mixed", "source", "source.scope not exists"],
  ])("of %s at %s", (id, end, want) => expect(filter(id, end)).toBe(want));
  it("of several attributes asks them of one end, not some of each", () => {
    expect(filter("pod:shop/a-1", "either")).toBe("source.k8s.namespace.name = shop and source.k8s.pod.name = a-1 or destination.k8s.namespace.name = shop and destination.k8s.pod.name = a-1");
  });
  it("of an edge has a part for each end", () => {
    expect(edgeFilters("ns:shop", "node:node-a")!.map(serialise)).toEqual(["source.k8s.namespace.name = shop", "destination.type = host and destination.k8s.node.name = node-a"]);
    expect(edgeFilters("svc:default/kubernetes", "ns:shop")).toBeUndefined();
  });
  it("of several attributes is known again as the entity, also from a link", () => {
    for (const id of ids) {
      for (const end of ["source", "destination", "either"] as const) {
        const text = filter(id, end);
        if (text === undefined || !text.includes(" and ")) continue;
        expect(filteredEntity(parse(text)), text).toEqual({ id, end: id.startsWith("svc:") ? "destination" : end });
      }
    }
  });
  it.each(["a = 1 and b = 2", "source.k8s.namespace.name = shop and destination.k8s.pod.name = a-1", "source.k8s.pod.name = a or destination.k8s.pod.name = b", "not a = 1"])("%s is no entity's", (text) =>
    expect(filteredEntity(parse(text))).toBeUndefined());
});
