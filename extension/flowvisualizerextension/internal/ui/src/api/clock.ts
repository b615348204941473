// Time as the server has it, so that "the last minute" ends where its records
// end even when this machine's clock is off.

let ahead = 0;

export function serverTime(iso: string): void {
  const t = Date.parse(iso);
  if (!Number.isNaN(t)) ahead = t - Date.now();
}

/** Milliseconds since the Unix epoch, by the server's clock. */
export function now(): number {
  return Date.now() + ahead;
}
