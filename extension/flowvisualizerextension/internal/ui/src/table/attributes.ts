// Reading a record.

import type { Flow } from "../api/types";

export const text = (f: Flow, name: string): string | undefined => (f[name] === undefined ? undefined : String(f[name]));
export const number = (f: Flow, name: string): number | undefined => (typeof f[name] === "number" ? (f[name] as number) : undefined);
