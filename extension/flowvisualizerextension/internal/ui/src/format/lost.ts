import type { LossTotal } from "../api/types";
import { counted } from "./format";

const units = ["connection", "record", "packet"] as const;

/** All that was lost as one number, which only says whether and about how much. */
export function lostInAll(total: LossTotal): number {
  return total.connections + total.records + total.packets;
}

/** "3 connections, 1 record and 20 packets". */
export function lostInWords(total: LossTotal): string {
  const parts = units.filter((unit) => total[`${unit}s`] > 0).map((unit) => counted(total[`${unit}s`], unit));
  return [parts.slice(0, -1).join(", "), ...parts.slice(-1)].filter(Boolean).join(" and ");
}
