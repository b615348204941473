import { ArrowLeftRight, Search, X } from "lucide-react";
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { ApiError } from "../api/client";
import { useFields, useValues } from "../api/queries";
import { type Chip, parseChips, parts } from "../filter/chips";
import { FilterError, serialise } from "../filter/grammar";
import { add } from "../filter/chips";
import { removeChip, setChips, switchChip } from "../state/actions";
import { hasCluster, useView } from "../state/view";
import { stage, suggest, type Suggestion } from "./suggest";

/** The one search field: chips for what is set, an input with completion for what comes. */
export function SearchField({ error }: { error: ApiError | undefined }) {
  const { chips } = useView();
  const [editing, setEditing] = useState<number | null>(null);
  const bad = error ? badChip(chips, error.offset) : -1;
  const input = useRef<HTMLInputElement>(null);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The newest part of a long filter stays in sight.
    root.current?.querySelector(".chips")?.scrollTo({ left: 1e6 });
  }, [chips.length]);
  return (
    <div className={`search ${error ? "bad" : ""}`} role="search" ref={root} onClick={() => input.current?.focus()}>
      <Search className="i" size={16} aria-hidden />
      {chips.length > 0 && (
        <div className="chips" role="list" aria-label="filters">
          {chips.map((c, i) =>
            i === editing ? null : <ChipView key={`${i} ${serialise(c.expr)}`} chip={c} index={i} bad={i === bad} onEdit={() => setEditing(i)} />,
          )}
        </div>
      )}
      {error && <span className="c-deny msg" role="alert">{error.message}</span>}
      <Entry key={editing ?? "new"} input={input} chips={chips} editing={editing} done={() => setEditing(null)} />
    </div>
  );
}

function ChipView({ chip, index, bad, onEdit }: { chip: Chip; index: number; bad: boolean; onEdit: () => void }) {
  const p = parts(chip.expr);
  const text = serialise(chip.expr);
  const stop = (f: () => void) => (e: React.MouseEvent) => {
    e.stopPropagation();
    f();
  };
  const remove = (e: KeyboardEvent) => {
    if (e.key === "Delete" || e.key === "Backspace") removeChip(index);
  };
  return (
    <span role="listitem" className={`chip ${chip.off ? "off" : ""} ${bad ? "bad" : ""}`} title={text} onKeyDown={remove}>
      {p?.either && <span className="end"><ArrowLeftRight size={12} aria-hidden />either</span>}
      <button type="button" className="fld" aria-pressed={!chip.off} aria-label={`switch ${text} ${chip.off ? "on" : "off"}`} onClick={stop(() => switchChip(index))}>
        {p ? p.field : "all of"}
      </button>
      {p && <span className="op">{p.op}</span>}
      <button type="button" className="val" aria-label={`edit ${text}`} onClick={stop(onEdit)}>{p ? p.value : text}</button>
      <button type="button" className="x" aria-label={`remove ${text}`} onClick={stop(() => removeChip(index))}><X size={12} aria-hidden /></button>
    </span>
  );
}

interface EntryProps {
  input: React.RefObject<HTMLInputElement | null>;
  chips: Chip[];
  editing: number | null;
  done: () => void;
}

function Entry({ input, chips, editing, done }: EntryProps) {
  const edited = editing === null ? undefined : chips[editing];
  const [text, setText] = useState(edited ? serialise(edited.expr) : "");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [problem, setProblem] = useState<string | null>(null);
  const id = useId();
  const suggestions = useSuggestions(text, open);

  useEffect(() => {
    if (editing !== null) input.current?.focus();
  }, [editing, input]);

  const commit = (value: string) => {
    try {
      const added = value.trim() === "" ? [] : parseChips(value);
      if (editing === null) setChips(add(chips, ...added.map((c) => c.expr)));
      else setChips(chips.flatMap((c, i) => (i === editing ? added.map((a) => ({ ...a, off: c.off })) : [c])));
      setText("");
      setProblem(null);
      setOpen(false);
      done();
    } catch (e) {
      if (!(e instanceof FilterError)) throw e;
      setProblem(e.message);
      setOpen(false);
    }
  };
  const take = (s: Suggestion) => {
    setActive(-1);
    setProblem(null);
    if (s.done) commit(s.text);
    else setText(s.text);
  };
  const key = (e: KeyboardEvent<HTMLInputElement>) => {
    const n = suggestions.length;
    if (e.key === "ArrowDown" && n > 0) {
      setOpen(true);
      setActive((active + 1) % n);
    } else if (e.key === "ArrowUp" && n > 0) {
      setActive((active - 1 + n) % n);
    } else if (e.key === "Tab" && open && text !== "" && n > 0 && !e.shiftKey) {
      take(suggestions[Math.max(active, 0)]!);
    } else if (e.key === "Enter") {
      const bare = text !== "" && !/\s/.test(text.trim()) ? suggestions[0] : undefined;
      const chosen = suggestions[active] ?? bare;
      if (chosen && open) take(chosen);
      else commit(text);
    } else if (e.key === "Escape") {
      if (open) setOpen(false);
      else {
        setText("");
        setProblem(null);
        done();
        input.current?.blur();
      }
    } else if (e.key === "Backspace" && text === "" && editing === null && chips.length > 0) {
      removeChip(chips.length - 1);
    } else return;
    if (e.key !== "Tab" || text !== "") e.preventDefault();
  };
  const list = open && suggestions.length > 0;
  return (
    <>
      <span className="entry">
        <input
          ref={input}
          id="search"
          value={text}
          spellCheck={false}
          autoComplete="off"
          placeholder={chips.length > 0 ? "Add a filter" : hasCluster() ? "Filter by workload, namespace, port …  e.g. namespace = kube-system" : "Filter by process, address, port …  e.g. process = sshd"}
          aria-label="filter"
          role="combobox"
          aria-expanded={list}
          aria-controls={`${id}-list`}
          aria-activedescendant={list && active >= 0 ? `${id}-${active}` : undefined}
          aria-invalid={problem !== null}
          onChange={(e) => {
            setText(e.target.value);
            setActive(-1);
            setProblem(null);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={key}
        />
        {list && (
          <ul className="pop left list" id={`${id}-list`} role="listbox" aria-label="suggestions">
            {suggestions.map((s, i) => (
              <li key={s.text} id={`${id}-${i}`} role="option" aria-selected={i === active} className={i === active ? "on" : ""} onMouseDown={(e) => e.preventDefault()} onClick={() => take(s)}>
                <span className="mono">{s.label}</span>
                <span className="t3">{s.detail}</span>
              </li>
            ))}
          </ul>
        )}
      </span>
      {problem && <span className="c-deny msg" role="alert">{problem}</span>}
      <kbd>/</kbd>
    </>
  );
}

function useSuggestions(text: string, open: boolean): Suggestion[] {
  const fields = useFields();
  const s = stage(text);
  const enumerated = fields.find((f) => f.name === s.field)?.values;
  const name = s.field.startsWith("either.") ? s.field.replace("either.", "source.") : s.field;
  const known = fields.some((f) => f.name === name && f.role === "dimension" && f.type !== "time");
  const ask = open && s.kind === "value" && !enumerated && known;
  const first = useValues(ask ? name : undefined, s.typed);
  const second = useValues(ask && name !== s.field ? s.field.replace("either.", "destination.") : undefined, s.typed);
  const found = new Map<string, number>();
  for (const v of [...(first.data?.data.values ?? []), ...(second.data?.data.values ?? [])]) {
    found.set(String(v.value), (found.get(String(v.value)) ?? 0) + v.records);
  }
  const values = enumerated
    ? enumerated.filter((v) => v.startsWith(s.typed)).map((value) => ({ value, records: 0 }))
    : [...found].sort((a, b) => b[1] - a[1]).map(([value, records]) => ({ value, records }));
  return suggest(text, fields, ask || enumerated ? values : [], hasCluster());
}

/** The chip that a byte offset in the joined query falls into. */
function badChip(chips: readonly Chip[], offset: number | undefined): number {
  if (offset === undefined) return -1;
  const bytes = new TextEncoder();
  let at = 0;
  for (const [i, c] of chips.entries()) {
    if (c.off) continue;
    const brackets = c.expr.kind === "or" ? 2 : 0;
    const length = bytes.encode(serialise(c.expr)).length + brackets + " and ".length;
    if (offset < at + length) return i;
    at += length;
  }
  return -1;
}
