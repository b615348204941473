import type { Rows } from "../table/useRows";
import { Reading, Stopped, TryAgain } from "./Reading";

/** What stands in the table's place. Unless the table is full the map has the way out of waiting. */
export function TableState({ rows, full }: { rows: Rows; full: boolean }) {
  if (rows.stopped) return full ? <Stopped /> : <p className="note t3">Reading was cancelled.</p>;
  if (rows.loading) {
    return (
      <div className="skrows" aria-label="loading flows">
        {full && <Reading />}
        {[0, 1, 2, 3].map((i) => <div key={i} className="sk" />)}
      </div>
    );
  }
  if (rows.error) return <p className="note c-deny row">{rows.error.message} {full && <TryAgain />}</p>;
  return <p className="note t3">No flow records in this range.</p>;
}
