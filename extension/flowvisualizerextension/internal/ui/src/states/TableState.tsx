import type { Rows } from "../table/useRows";

export function TableState({ rows }: { rows: Rows }) {
  if (rows.loading) {
    return (
      <div className="skrows" role="status" aria-label="loading flows">
        {[0, 1, 2, 3].map((i) => <div key={i} className="sk" />)}
      </div>
    );
  }
  if (rows.error) return <p className="note c-deny">{rows.error.message}</p>;
  return <p className="note t3">No flow records in this range.</p>;
}
