import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { useStatus } from "../api/queries";
import { keyTable } from "./keys";

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const status = useStatus();
  useEffect(() => {
    const node = dialog.current;
    node?.showModal();
    return () => node?.close();
  }, []);
  return (
    <dialog ref={dialog} className="help" aria-label="Keys" onClose={onClose} onClick={(e) => e.target === dialog.current && onClose()}>
      <header>
        <h2>Keys</h2>
        <span className="sp" />
        <button type="button" className="ib" aria-label="close help" onClick={onClose}><X size={16} aria-hidden /></button>
      </header>
      <dl>
        {keyTable.map((k) => (
          <div key={k.what}>
            <dt>{k.keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{k.what}</dd>
          </div>
        ))}
      </dl>
      <h3>Filters</h3>
      <p className="mono filter-help">destination.port in (80, 443) and either.address != 10.0.0.0/8</p>
      <p className="t2">
        A field, an operator (= != ~ !~ &lt; &lt;= &gt; &gt;= in, not in, exists, not exists) and a value; joined by and, or, not and brackets. either. stands for
        source. or destination.; process, address, port, verdict and reason are short for the usual fields. Click any value to filter by it, alt-click to leave it out.
      </p>
      <p className="t3">{status.data ? `${status.data.product} ${status.data.version} · ` : ""}<a className="lnk" href="api/v1/openapi.json">API description</a> · <a className="lnk" href="licenses.md">Licences</a></p>
    </dialog>
  );
}
