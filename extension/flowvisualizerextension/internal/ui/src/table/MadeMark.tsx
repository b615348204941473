import { Layers } from "lucide-react";
import type { Flow } from "../api/types";
import { count } from "../format/format";
import { madeOf } from "../format/made";

/** A small mark on a record that is not of one flow as it was seen, with the reason under the pointer. */
export function MadeMark({ flow }: { flow: Flow }) {
  const made = madeOf(flow);
  if (!made) return null;
  const said = made.lines.map(([about, words]) => `${about}: ${words}`).join("\n");
  return (
    <span className="made t3" title={said} role="note" aria-label={said}>
      {made.records !== undefined && <><Layers size={12} aria-hidden />{count(made.records)}</>}
      {made.words.map((w) => <span key={w}>{w}</span>)}
    </span>
  );
}
