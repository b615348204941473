// Which attributes are listed in records that stand for several, and where.

interface Listing {
  list: string;
  count: string;
}

/** The attributes that are listed. Domains are a list by themselves. */
export const listings: Readonly<Record<string, Listing>> = {
  ...Object.fromEntries(["source", "destination"].flatMap((end) => [
    [`${end}.address`, { list: `${end}.addresses`, count: `${end}.address_count` }],
    [`${end}.port`, { list: `${end}.ports`, count: `${end}.port_count` }],
    [`${end}.original.address`, { list: `${end}.original.addresses`, count: `${end}.original.address_count` }],
    [`${end}.k8s.pod.name`, { list: `${end}.k8s.pod.names`, count: `${end}.k8s.pod.name_count` }],
  ])),
  "destination.k8s.service.name": { list: "destination.k8s.service.names", count: "destination.k8s.service.name_count" },
  "destination.domains": { list: "destination.domains", count: "destination.domain_count" },
  "process.executable.name": { list: "process.executable.names", count: "process.executable.name_count" },
  "process.pid": { list: "process.pids", count: "process.pid_count" },
  "process.command_line": { list: "process.command_lines", count: "process.command_line_count" },
};

const listedBy = new Map(Object.entries(listings).map(([of, l]) => [l.list, of]));
const companions = new Set(Object.entries(listings).flatMap(([of, l]) => [l.count, ...(l.list === of ? [] : [l.list])]));

/** The attribute whose values this one lists, which finds them wherever they are; or itself. */
export const attributeOf = (field: string): string => listedBy.get(field) ?? field;

/** Whether an attribute is the list or the count of another. */
export const isCompanion = (field: string): boolean => companions.has(field);
