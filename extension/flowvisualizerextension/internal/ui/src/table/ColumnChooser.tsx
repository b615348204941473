import { useState } from "react";
import { useFields } from "../api/queries";
import { isCompanion } from "../format/listings";
import { setView, useView } from "../state/view";
import { defaultColumns, setColumns, usual } from "./columns";

export function ColumnChooser() {
  const v = useView();
  const fields = useFields();
  const [find, setFind] = useState("");
  const on = v.columns ?? defaultColumns;
  const all = [...usual.map((c) => ({ id: c.id, title: c.title, about: c.about })), ...fields.map((f) => ({ id: f.name, title: f.name, about: f.description }))];
  // The column of an attribute shows its list and its count too: those are there for whoever looks for them.
  const offered = find === "" ? all.filter((c) => !isCompanion(c.id) || on.includes(c.id)) : all;
  const shown = offered.filter((c) => `${c.title} ${c.about}`.toLowerCase().includes(find.toLowerCase()));
  const toggle = (id: string) => setColumns(on.includes(id) ? on.filter((c) => c !== id) : [...on, id]);
  return (
    <div className="columns">
      <input type="search" placeholder={`Find among ${all.length} columns`} aria-label="find a column" value={find} onChange={(e) => setFind(e.target.value)} autoFocus />
      <ul>
        {shown.map((c) => (
          <li key={c.id}>
            <label title={c.about}>
              <input type="checkbox" checked={on.includes(c.id)} onChange={() => toggle(c.id)} />
              <span className={c.title === c.id ? "mono" : ""}>{c.title}</span>
              <small>{c.about}</small>
            </label>
          </li>
        ))}
      </ul>
      <button type="button" className="btn sm quiet" disabled={v.columns === null && Object.keys(v.widths).length === 0} onClick={() => setView({ columns: null, widths: {} }, "replace")}>Usual columns</button>
    </div>
  );
}
