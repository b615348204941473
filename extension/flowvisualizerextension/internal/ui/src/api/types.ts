// The wire types of the HTTP API, version 1.

export interface Engine {
  name: string;
  on: boolean;
  detail: string;
}

export interface Agent {
  host: string;
  node: string;
  cluster: string;
  version: string;
  lastSeen: string;
  started: string;
  /** It was stopped, and said so last. */
  ended?: boolean;
  intervalSeconds: number;
  engines: Engine[] | null;
  connections: number;
  records: number;
  lost: number;
  cpuPercent?: number;
  memoryBytes?: number;
}

export interface Status {
  product: string;
  version: string;
  now: string;
  host: string;
  store: {
    kind: string;
    path: string;
    sizeBytes: number;
    maxSizeBytes: number;
    retentionSeconds: number;
    records: number;
    oldest?: string;
    newest?: string;
  };
  agents: Agent[] | null;
}

export interface Field {
  name: string;
  type: "address" | "keyword" | "keywords" | "map" | "integer" | "time" | "boolean";
  unit: string;
  description: string;
  role: "dimension" | "counter" | "gauge";
  groupable: boolean;
  values?: string[];
}

export type Scalar = string | number | boolean;

/** An attribute of type keywords is a list, one of type map an object. */
export type Attribute = Scalar | string[] | Record<string, string>;

/** A flow record: attribute names to values, absent attributes left out. */
export type Flow = Record<string, Attribute | undefined>;

export interface FlowPage {
  flows: Flow[];
  next?: string;
}

export interface Measures {
  records: number;
  sums: Record<string, number | undefined>;
  /** Connections that the kernel refused. */
  denied: number;
  /** Microseconds, absent when unknown. */
  rttMean?: number;
  rttMin?: number;
  rttMax?: number;
  first?: string;
  last?: string;
}

export interface Group extends Measures {
  key: Record<string, Attribute | undefined>;
}

export interface Groups {
  by: string[];
  groups: Group[];
  total: Measures;
  groupCount: number;
  truncated: boolean;
}

export interface BucketCounts {
  connections: number;
  bytes: number;
  records: number;
}

export interface Bucket {
  start: string;
  allow: BucketCounts;
  deny: BucketCounts;
  lost: number;
}

export interface Histogram {
  from: string;
  to: string;
  stepMs: number;
  buckets: Bucket[];
}

export interface Values {
  field: string;
  values: { value: Scalar; records: number }[];
}

export interface Loss {
  host: string;
  start: string;
  end: string;
  stage: string;
  unit: string;
  count: number;
}

/** What was lost, in the units in which it is known. */
export interface LossTotal {
  connections: number;
  records: number;
  packets: number;
}

export interface Losses {
  losses: Loss[];
  total: LossTotal;
}
