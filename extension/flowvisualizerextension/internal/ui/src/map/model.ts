// What the map draws: nodes and the edges between them.

import type { Entity, GroupId } from "./entity";
import type { Level } from "./levels";
import type { Totals } from "./totals";

/** Callers stand left, what is recorded in the middle, what it calls right. */
export type Side = "in" | "mid" | "out";

export interface MapNode {
  /** Unique on the map; an outside entity may stand on both sides. */
  key: string;
  side: Side;
  group: GroupId;
  entity: Entity | null;
  /** The entities inside a fold, largest first; empty otherwise. */
  folded: Entity[];
  totals: Totals;
  /** Destination ports that this node was called at, most used first. */
  ports: number[];
}

export interface MapEdge {
  key: string;
  from: string;
  to: string;
  totals: Totals;
  /** Destination ports, most bytes first, denied ones after. */
  ports: number[];
  /** Why connections were refused, most frequent first. */
  reasons: string[];
}

export interface MapModel {
  nodes: MapNode[];
  edges: MapEdge[];
  /** Entities before folding. */
  entities: number;
  folded: number;
}

export interface ModelOptions {
  level: Level;
  /** Rows that an outside column may have; the middle has more, since it has several columns. */
  rows: number;
  /** Fold keys that are opened: they show every entity. */
  unfolded: readonly string[];
  /** Entities that are never folded. */
  keep: ReadonlySet<string>;
  /** Nodes that are drawn now: they give way only to clearly larger ones, so that a live map stays calm. */
  shown: ReadonlySet<string>;
  /** Only this entity and its neighbours. */
  focus: string | null;
}

/** Whether a group stands in the middle: the machine, or what is in the cluster. */
export const inside = (group: GroupId) => group !== "local" && group !== "internet";

/** The entity that a node's key names; a fold's key stays as it is. */
export const plain = (key: string) => key.replace(/^(in|out)\|/, "");
