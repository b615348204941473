// What a person can do to the view, in one place, for buttons and keys alike.

import { now } from "../api/clock";
import { add, type Chip } from "../filter/chips";
import type { Expr } from "../filter/grammar";
import { entityFilter } from "../map/entity";
import { opens } from "../map/levels";
import { page, pause, rangeOf, resume, zoom, type Range } from "./range";
import type { Selection, View } from "./url";
import { currentView, levelOf, setView } from "./view";

export function setChips(chips: Chip[]): void {
  setView({ chips });
}

export function addFilter(...parts: Expr[]): void {
  setChips(add(currentView().chips, ...parts));
}

export function switchChip(index: number): void {
  setChips(currentView().chips.map((c, i) => (i === index ? { ...c, off: !c.off } : c)));
}

export function removeChip(index: number): void {
  setChips(currentView().chips.filter((_, i) => i !== index));
}

export function clearFilters(): void {
  setView({ chips: [], focus: null });
}

export function select(selection: Selection | null): void {
  setView({ selection });
}

export function focusOn(id: string | null): void {
  setView({ focus: id });
}

/** Opens an entity: a filter for it, drawn by the level that shows what is inside. */
export function drill(id: string): void {
  const v = currentView();
  const part = entityFilter(id, "either");
  if (part) setView({ chips: add(v.chips, part), level: opens(id, levelOf(v)) ?? v.level, focus: null, selection: null });
}

export function unfold(key: string): void {
  const v = currentView();
  setView({ unfolded: v.unfolded.includes(key) ? v.unfolded.filter((k) => k !== key) : [...v.unfolded, key] });
}

export function toggleLive(): void {
  const v = currentView();
  if (v.time.kind === "live") setView({ time: pause(v.time, now()) });
  else setView({ time: resume(v.time), brush: null });
}

export function goLive(span: number): void {
  setView({ time: { kind: "live", span, chosen: true }, brush: null });
}

export function goTo(range: Range): void {
  const { span, chosen } = currentView().time;
  setView({ time: { kind: "fixed", ...range, span, chosen }, brush: null });
}

export function pageTime(direction: -1 | 1): void {
  setView({ time: page(currentView().time, direction, now()), brush: null });
}

/** Zooms into the brushed part when there is one, else by half; out doubles. */
export function zoomTime(direction: "in" | "out"): void {
  const v = currentView();
  if (direction === "in" && v.brush) goTo(v.brush);
  else setView({ time: zoom(v.time, direction === "in" ? 0.5 : 2, now()), brush: null });
}

/** Narrows everything below the histogram; the live range stands still meanwhile. */
export function brush(range: Range | null): void {
  const v = currentView();
  setView({ brush: range, time: range ? pause(v.time, now()) : v.time });
}

/** The range that everything but the histogram shows. */
export function shownRange(v: View): Range {
  return v.brush ?? rangeOf(v.time, now());
}
