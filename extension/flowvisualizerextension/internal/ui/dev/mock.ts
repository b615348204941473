// A stand-in for the flow_visualizer extension's HTTP API with seeded traffic,
// as a Vite plugin: it serves `npm run dev` and the browser tests.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import type { Bucket, Flow, Group, Measures } from "../src/api/types.ts";
import { type Expr, FilterError, parse } from "../src/filter/grammar.ts";
import { matches } from "./evaluate.ts";
import { clusterName, nodeNames } from "./cluster.ts";
import { fields } from "./fields.ts";
import { intervalMs } from "./talk.ts";
import { inKubernetes, interval, type Scenario } from "./traffic.ts";

const host = "debian-vm";

/** As the extension sends it, so that a page which breaks it fails here too. */
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function mockApi(scenario: Scenario): Plugin {
  const serve = new MockServer(scenario).handle;
  return {
    name: "mock-api",
    configureServer: (server) => void server.middlewares.use("/api/v1", serve),
    configurePreviewServer: (server) => {
      server.middlewares.use((_, res, next) => {
        res.setHeader("Content-Security-Policy", contentPolicy);
        next();
      });
      server.middlewares.use("/api/v1", serve);
    },
  };
}

class BadRequest extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly field?: string,
    readonly offset?: number,
  ) {
    super(message);
  }
}

interface Query {
  params: URLSearchParams;
  from: number;
  to: number;
  filter: Expr | undefined;
}

class MockServer {
  private readonly began = Date.now();
  /** Recording began before the server did, so that history and "not recording yet" both show. */
  private readonly oldest: number;
  private readonly cache = new Map<number, Flow[]>();

  constructor(private readonly scenario: Scenario) {
    this.oldest = this.began - (scenario === "first" ? 45_000 : 50 * 60_000);
  }

  handle: Connect.NextHandleFunction = (req, res) => {
    try {
      this.route(req, res);
    } catch (e) {
      const bad = e instanceof BadRequest ? e : new BadRequest("internal", String(e));
      const { code, message, field, offset } = bad;
      send(res, { error: { code, message, field, offset } }, code === "internal" ? 500 : 400);
    }
  };

  private route(req: IncomingMessage, res: ServerResponse): void {
    const url = new URL(req.url ?? "/", "http://localhost");
    const q = this.query(url.searchParams);
    switch (url.pathname) {
      case "/status": return send(res, this.status());
      case "/fields": return send(res, { fields });
      case "/flows": return send(res, this.page(q));
      case "/flows.ndjson": return text(res, "application/x-ndjson", this.flows(q).map((f) => `${JSON.stringify(f)}\n`).join(""));
      case "/flows.csv": return text(res, "text/csv", csv(this.flows(q)));
      case "/groups": return send(res, this.groups(q));
      case "/histogram": return send(res, this.histogram(q));
      case "/values": return send(res, this.values(q));
      case "/losses": return send(res, this.losses(q));
      case "/stream": return this.stream(req, res, q);
      default: throw new BadRequest("not_found", `no such path: ${url.pathname}`);
    }
  }

  private query(params: URLSearchParams): Query {
    const time = (name: string, missing: number) => {
      const v = params.get(name);
      if (v === null) return missing;
      const ms = /^\d+$/.test(v) ? Number(v) : Date.parse(v);
      if (Number.isNaN(ms)) throw new BadRequest("bad_request", `${name}: not a time: ${v}`, name);
      return ms;
    };
    const to = time("to", Date.now());
    const from = time("from", to - 15 * 60_000);
    const q = params.get("q") ?? "";
    try {
      const filter = q === "" ? undefined : parse(q);
      if (filter) checkFields(filter);
      return { params, from, to, filter };
    } catch (e) {
      if (e instanceof FilterError) throw new BadRequest("bad_query", e.message, "q", Buffer.byteLength(q.slice(0, e.offset)));
      throw e;
    }
  }

  /** Newest first. */
  private flows(q: Query): Flow[] {
    const found: Flow[] = [];
    const first = Math.floor(Math.max(q.from, this.oldest) / intervalMs) - 1;
    const last = Math.floor(Math.min(q.to, Date.now()) / intervalMs);
    for (let i = last; i >= first; i--) {
      let flows = this.cache.get(i);
      if (!flows) this.cache.set(i, (flows = interval(i, this.scenario).sort((a, b) => (String(a["flow.end"]) < String(b["flow.end"]) ? 1 : -1))));
      for (const f of flows) {
        const end = Date.parse(String(f["flow.end"]));
        if (end >= Math.max(q.from, this.oldest) && end < q.to && end <= Date.now() && matches(q.filter, f)) found.push(f);
      }
    }
    return found;
  }

  private page(q: Query): object {
    const limit = Number(q.params.get("limit") ?? 100);
    const at = Number(q.params.get("cursor") ?? 0);
    const flows = this.flows(q);
    return { flows: flows.slice(at, at + limit), next: at + limit < flows.length ? String(at + limit) : undefined };
  }

  private groups(q: Query): object {
    const by = (q.params.get("by") ?? "").split(",").filter(Boolean);
    if (by.length > 24) throw new BadRequest("bad_request", "group by at most 24", "by");
    const sort = q.params.get("sort") ?? "bytes";
    const limit = Number(q.params.get("limit") ?? 500);
    const found = new Map<string, Group>();
    const total = measures();
    for (const f of this.flows(q)) {
      const id = by.map((b) => String(f[b])).join("\0");
      let g = found.get(id);
      if (!g) found.set(id, (g = { key: Object.fromEntries(by.filter((b) => f[b] !== undefined).map((b) => [b, f[b]])), ...measures() }));
      addFlow(g, f);
      addFlow(total, f);
    }
    const groups = [...found.values()].sort((a, b) => rank(b, sort) - rank(a, sort));
    return { by, groups: groups.slice(0, limit), total, groupCount: groups.length, truncated: groups.length > limit };
  }

  private histogram(q: Query): object {
    const stepMs = niceStep((q.to - q.from) / Number(q.params.get("buckets") ?? 120));
    const first = Math.floor(q.from / stepMs) * stepMs;
    const buckets: Bucket[] = [];
    for (let t = first; t < q.to; t += stepMs) {
      const none = () => ({ connections: 0, bytes: 0, records: 0 });
      buckets.push({ start: new Date(t).toISOString(), allow: none(), deny: none(), lost: this.lostIn(t, t + stepMs) });
    }
    for (const f of this.flows(q)) {
      const b = buckets[Math.floor((Date.parse(String(f["flow.end"])) - first) / stepMs)];
      if (!b) continue;
      const into = f["flow.action"] === "deny" ? b.deny : b.allow;
      into.connections += Number(f["flow.connections.started"]);
      into.bytes += Number(f["source.bytes"]) + Number(f["destination.bytes"]);
      into.records++;
    }
    return { from: new Date(q.from).toISOString(), to: new Date(q.to).toISOString(), stepMs, buckets };
  }

  private values(q: Query): object {
    const field = q.params.get("field") ?? "";
    const prefix = (q.params.get("prefix") ?? "").toLowerCase();
    const records = new Map<string, number>();
    for (const f of this.flows(q)) {
      for (const v of [f[field] ?? []].flat().map(String)) {
        if (v.toLowerCase().startsWith(prefix)) records.set(v, (records.get(v) ?? 0) + 1);
      }
    }
    const values = [...records].sort((a, b) => b[1] - a[1]).map(([value, n]) => ({ value, records: n }));
    return { field, values: values.slice(0, Number(q.params.get("limit") ?? 20)) };
  }

  /** The one loss of the scenario "loss": ten seconds, four minutes before the server began. */
  private readonly loss = { start: this.began - 4 * 60_000, end: this.began - 4 * 60_000 + 10_000, count: 312 };

  private lostIn(from: number, to: number): number {
    return this.scenario === "loss" && this.loss.start < to && this.loss.end > from ? this.loss.count : 0;
  }

  private losses(q: Query): object {
    const inside = this.lostIn(q.from, q.to) > 0;
    const { start, end, count } = this.loss;
    const losses = inside ? [{ host, start: new Date(start).toISOString(), end: new Date(end).toISOString(), stage: "ring_buffer", unit: "connections", count }] : [];
    return { losses, total: { connections: inside ? count : 0, records: 0, packets: 0 } };
  }

  private hosts(): readonly string[] {
    return inKubernetes(this.scenario) ? nodeNames : [host];
  }

  private agent(name: string): object {
    const lastSeen = Math.floor(Date.now() / intervalMs) * intervalMs;
    const idle = this.scenario === "idle";
    return {
      host: name, ...(inKubernetes(this.scenario) ? { node: name, cluster: clusterName } : { node: "", cluster: "" }), version: "0.1.0", lastSeen: new Date(lastSeen).toISOString(), started: new Date(this.oldest).toISOString(), intervalSeconds: intervalMs / 1000,
      engines: [
        ...["tcp", "datagram", "drops", "nat"].map((name) => ({ name, on: true, detail: "" })),
        ...["forward", "dns"].map((name) => ({ name, on: false, detail: "turned off in the configuration" })),
      ],
      connections: idle ? 0 : 23, records: idle ? 0 : Math.round((lastSeen - this.oldest) / 250), lost: this.scenario === "loss" ? this.loss.count : 0, cpuPercent: 0.4, memoryBytes: 61_000_000,
    };
  }

  private status(): object {
    const idle = this.scenario === "idle";
    const now = new Date().toISOString();
    return {
      product: "otelcol-flowlogs", version: "0.1.0", now, host: this.hosts()[0],
      store: {
        kind: "duckdb", path: "data/flows.duckdb", sizeBytes: 104_000_000, maxSizeBytes: 2_147_483_648, retentionSeconds: 604_800, records: idle ? 0 : 18_204,
        ...(idle ? {} : { oldest: new Date(this.oldest).toISOString(), newest: now }),
      },
      agents: this.hosts().map((name) => this.agent(name)),
    };
  }

  private stream(req: IncomingMessage, res: ServerResponse, q: Query): void {
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    res.write(": connected\n\n");
    let since = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      const flows = this.flows({ ...q, from: since, to: now }).reverse();
      since = now;
      if (flows.length > 0) res.write(`event: flows\ndata: ${JSON.stringify({ flows })}\n\n`);
      for (const name of this.hosts()) res.write(`event: agent\ndata: ${JSON.stringify(this.agent(name))}\n\n`);
    }, 1000);
    req.on("close", () => clearInterval(timer));
  }
}

function checkFields(e: Expr): void {
  if (e.kind === "not") return checkFields(e.item);
  if (e.kind !== "cond") return e.items.forEach(checkFields);
  const names = e.field.startsWith("either.") ? ["source", "destination"].map((s) => e.field.replace("either", s)) : [e.field];
  if (!names.every((n) => fields.some((f) => f.name === n))) throw new BadRequest("bad_query", `unknown field ${e.field}: see /api/v1/fields`, "q", 0);
  const prefix = e.values.find((v) => /\/\d+$/.test(v) && Number(v.split("/")[1]) > (v.includes(":") ? 128 : 32));
  if (prefix) throw new BadRequest("bad_query", `${prefix} is not an address range: the prefix is 0 to 32`, "q", 0);
}

function measures(): Measures {
  return { records: 0, sums: {}, denied: 0 };
}

function addFlow(m: Measures, f: Flow): void {
  m.records++;
  for (const field of fields) {
    const v = f[field.name];
    if (field.role === "counter" && typeof v === "number") m.sums[field.name] = (m.sums[field.name] ?? 0) + v;
  }
  if (f["flow.action"] === "deny") m.denied += Number(f["flow.connections.seen"]);
  const samples = m.sums["flow.tcp.rtt.samples"] ?? 0;
  if (samples > 0) m.rttMean = Math.round((m.sums["flow.tcp.rtt.sum"] ?? 0) / samples);
  const max = f["flow.tcp.rtt.max"];
  const min = f["flow.tcp.rtt.min"];
  if (typeof max === "number") m.rttMax = Math.max(m.rttMax ?? 0, max);
  if (typeof min === "number") m.rttMin = Math.min(m.rttMin ?? min, min);
  const [start, end] = [String(f["flow.start"]), String(f["flow.end"])];
  if (!m.first || start < m.first) m.first = start;
  if (!m.last || end > m.last) m.last = end;
}

function rank(m: Measures, sort: string): number {
  const s = (n: string) => m.sums[n] ?? 0;
  if (sort === "denied") return m.denied;
  if (sort === "connections") return s("flow.connections.seen");
  if (sort === "bytes") return s("source.bytes") + s("destination.bytes");
  if (sort === "packets") return s("source.packets") + s("destination.packets");
  return s(sort);
}

function niceStep(ms: number): number {
  const steps = [100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000];
  return steps.find((s) => s >= ms) ?? 604_800_000;
}

function send(res: ServerResponse, body: object, status = 200): void {
  res.writeHead(status, { "Content-Type": "application/json" });
  res.end(JSON.stringify(body));
}

function text(res: ServerResponse, type: string, body: string): void {
  res.writeHead(200, { "Content-Type": type });
  res.end(body);
}

function csv(flows: Flow[]): string {
  const names = fields.map((f) => f.name);
  return [names, ...flows.map((f) => names.map((n) => String(f[n] ?? "")))].map((row) => `${row.join(",")}\n`).join("");
}
