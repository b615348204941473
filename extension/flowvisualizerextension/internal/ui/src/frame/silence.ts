import type { Agent } from "../api/types";

/** An agent that missed three signs of life, or fifteen seconds when they come faster. now in milliseconds since the Unix epoch. */
export function silent(a: Pick<Agent, "lastSeen" | "intervalSeconds">, now: number): boolean {
  return now - Date.parse(a.lastSeen) > Math.max(15_000, 3000 * a.intervalSeconds);
}
