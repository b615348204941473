// What is recorded, by name: the machine, or the cluster and its machines.

import { useStatus } from "./queries";

export function usePlace(): { host: string; hosts: number; cluster: string } {
  const status = useStatus().data;
  const agents = status?.agents ?? [];
  const host = agents.length > 1 ? `${agents.length} hosts` : (status?.host ?? "this machine");
  return { host, hosts: agents.length, cluster: agents.find((a) => a.cluster !== "")?.cluster ?? "Cluster" };
}
