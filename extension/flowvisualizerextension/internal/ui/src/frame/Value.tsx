// Any value that can become a filter: hover names the filter, click adds it,
// alt-click excludes it.

import { Fragment, useEffect, useState, type MouseEvent, type ReactNode } from "react";
import type { Attribute, Flow } from "../api/types";
import { valueFilter } from "../filter/chips";
import { type Expr, negated, serialise } from "../filter/grammar";
import { first, others, type Told, told } from "../format/listed";
import { type End, entityFilter } from "../map/entity";
import { addFilter } from "../state/actions";

interface Looks {
  children: ReactNode;
  className?: string;
  /** Left out of the tab order, for tables whose rows take the focus. */
  quiet?: boolean;
  title?: string | undefined;
}

interface ValueProps extends Looks {
  field: string;
  /** undefined filters for records that lack the attribute. */
  value: string | undefined;
}

export function Value({ field, value, ...rest }: ValueProps) {
  return <Filtering {...rest} add={valueFilter(field, value, false)} exclude={valueFilter(field, value, true)} />;
}

/** An entity that may be known by several attributes. */
export function EntityValue({ id, end, ...rest }: { id: string; end: End | "either" } & Looks) {
  const filter = entityFilter(id, end);
  return filter ? <Filtering {...rest} add={filter} exclude={negated(filter)} /> : <span className={rest.className}>{rest.children}</span>;
}

function Filtering({ add, exclude, children, className = "", quiet, title }: { add: Expr; exclude: Expr } & Looks) {
  const click = (e: MouseEvent) => {
    e.stopPropagation();
    addFilter(e.altKey ? exclude : add);
  };
  return (
    <button type="button" className={`v ${className}`} title={title} data-filter={serialise(add)} tabIndex={quiet ? -1 : undefined} onClick={click} onDoubleClick={(e) => e.stopPropagation()}>
      {children}
    </button>
  );
}

/** What a filter looks at one by one: the values of a list, a map's keys as key=value. */
export function itemsOf(value: Attribute): string[] | undefined {
  if (Array.isArray(value)) return value;
  return typeof value === "object" ? Object.entries(value).map(([key, v]) => `${key}=${v}`) : undefined;
}

/** The values of a list, each a filter of its own. */
export function Values({ field, values, quiet, className }: { field: string; values: readonly string[]; quiet?: boolean; className?: string | undefined }) {
  return (
    <>
      {values.map((v, i) => <Fragment key={v}>{i > 0 && ", "}<Value quiet={quiet} className={className} field={field} value={v}>{v}</Value></Fragment>)}
    </>
  );
}

/** The value of an attribute or, of several, the first and how many there are besides. */
export function FirstValue({ flow, field, none, ...looks }: { flow: Flow; field: string; /** Where the record says nothing. */ none: ReactNode } & Omit<Looks, "children">) {
  const t = told(flow, field);
  const value = first(t);
  return (
    <>
      {(value !== undefined || !t) && <Value {...looks} field={field} value={value}>{value ?? none}</Value>}
      {t && <More told={t} shown={1} />}
    </>
  );
}

/** "+3 more", with those that are named under the pointer; nothing where all are shown. */
export function More({ told: t, shown }: { told: Told; shown: number }) {
  const n = Math.min(shown, t.values.length);
  const text = others(t, n);
  if (text === "") return null;
  const named = t.values.slice(n);
  return <span className="more t3" title={[...named, ...(t.more > 0 ? ["and others that the record does not name"] : [])].join("\n")}>{n > 0 ? ` ${text}` : text.replace(/^\+(.*) more$/, "$1 different")}</span>;
}

/** All values that a record names of an attribute, each a filter, and how many there are besides. */
export function AllValues({ field, told: t, className }: { field: string; told: Told; className?: string }) {
  return <><Values field={field} values={t.values} className={className} /><More told={t} shown={t.values.length} /></>;
}

interface Tip {
  text: string;
  x: number;
  y: number;
}

const delay = 300;

/** Shows which filter a click on the value under the pointer would add. */
export function FilterTip() {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    let timer = 0;
    const over = (e: Event) => {
      const target = (e.target as Element).closest?.("[data-filter]");
      clearTimeout(timer);
      setTip(null);
      if (!target) return;
      timer = window.setTimeout(() => {
        const r = target.getBoundingClientRect();
        if (target.isConnected) setTip({ text: target.getAttribute("data-filter")!, x: r.left + r.width / 2, y: r.top });
      }, delay);
    };
    const gone = () => {
      clearTimeout(timer);
      setTip(null);
    };
    document.addEventListener("mouseover", over);
    document.addEventListener("scroll", gone, true);
    document.addEventListener("mousedown", gone);
    return () => {
      gone();
      document.removeEventListener("mouseover", over);
      document.removeEventListener("scroll", gone, true);
      document.removeEventListener("mousedown", gone);
    };
  }, []);
  if (!tip) return null;
  const x = Math.min(Math.max(tip.x, 170), innerWidth - 170);
  return (
    <div className="tip" role="tooltip" style={{ left: x, top: tip.y < 40 ? tip.y + 28 : tip.y - 30 }}>
      {tip.text} <kbd>click</kbd> filter <kbd>alt</kbd> exclude
    </div>
  );
}
