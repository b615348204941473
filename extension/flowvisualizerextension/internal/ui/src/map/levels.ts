// What the map can be drawn by. A level says which attributes to group by and
// which entity stands at each end of a group; everything else on the map is
// the same for all levels.

import type { Group } from "../api/types";
import { all, cond, type Expr } from "../filter/grammar";

export type End = "source" | "destination";
export type GroupId = "local" | "internet" | "machine";
export type LevelId = "process" | "address";
export type EntityKind = "process" | "address";

export interface Entity {
  /** Unique among all entities of all levels, and short: it stands in the URL. */
  id: string;
  kind: EntityKind;
  group: GroupId;
  title: string;
}

type Key = Group["key"];

export interface Level {
  id: LevelId;
  /** As the switch names it. */
  label: string;
  one: string;
  many: string;
  /** The map adds two; the server groups by at most sixteen. */
  by: readonly string[];
  entity(key: Key, end: End): Entity;
  /** The level that opening an entity of this one leads to. */
  next?: LevelId;
}

const ends = ["source", "destination"] as const;
const perEnd = (...rest: string[]) => rest.flatMap((r) => ends.map((e) => `${e}.${r}`));

const unknownAddress = "unknown address";

/** Where an address stands by its scope. Without one there is no address that could be on the internet. */
export const groupOfScope: Record<string, GroupId> = {
  loopback: "machine",
  link_local: "local",
  private: "local",
  unique_local: "local",
  cgnat: "local",
  multicast: "local",
  public: "internet",
};

const text = (v: Key[string]) => (v === undefined ? undefined : String(v));

function addressEntity(key: Key, end: End): Entity {
  const address = text(key[`${end}.address`]) ?? unknownAddress;
  const group = key[`${end}.type`] === "host" ? "machine" : (groupOfScope[text(key[`${end}.scope`]) ?? ""] ?? "local");
  return { id: `a:${address}`, kind: "address", group, title: address };
}

export const levels: Record<LevelId, Level> = {
  process: {
    id: "process",
    label: "Processes",
    one: "process",
    many: "processes",
    by: perEnd("type", "scope", "process.executable.name", "address"),
    next: "address",
    entity(key, end) {
      const name = text(key[`${end}.process.executable.name`]);
      return name === undefined ? addressEntity(key, end) : { id: `p:${name}`, kind: "process", group: "machine", title: name };
    },
  },
  address: {
    id: "address",
    label: "Addresses",
    one: "address",
    many: "addresses",
    by: perEnd("type", "scope", "address"),
    entity: addressEntity,
  },
};

export const levelIds = Object.keys(levels) as LevelId[];

/** The filter that finds an entity at one end, or with "either" at any. */
export function entityFilter(id: string, end: End | "either"): Expr | undefined {
  const value = id.slice(2);
  if (id.startsWith("p:")) return cond(`${end}.process.executable.name`, "=", value);
  if (id.startsWith("a:")) return value === unknownAddress ? cond(`${end}.address`, "not exists") : cond(`${end}.address`, "=", value);
  return undefined;
}

export function edgeFilter(from: string, to: string): Expr | undefined {
  return all(entityFilter(from, "source"), entityFilter(to, "destination"));
}

export function entityTitle(id: string): string {
  return id.slice(2);
}
