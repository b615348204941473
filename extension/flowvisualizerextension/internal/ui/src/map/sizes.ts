// How large things on the map are, in pixels at its natural size.

export const nodeHeight = 36;
/** From a row to the next. */
export const pitch = 48;

export interface Sizes {
  /** Width of the nodes outside and in the middle. */
  outside: number;
  middle: number;
  /** Between the box of a group and its nodes. */
  padding: number;
  /** From the top of a box to its first node. */
  header: number;
  /** Between two boxes of one column. */
  groupGap: number;
  /** Between two columns of the middle. */
  inner: { least: number; most: number };
  /** Between the middle and what is outside. */
  gap: { least: number; most: number };
}

/** One group in the middle, such as a machine, has room. */
const alone: Sizes = { outside: 172, middle: 148, padding: 12, header: 40, groupGap: 32, inner: { least: 64, most: 152 }, gap: { least: 104, most: 220 } };

/** Of several, each has a box: they are close, so that names can be read. */
const several: Sizes = { outside: 160, middle: 136, padding: 8, header: 32, groupGap: 16, inner: { least: 84, most: 152 }, gap: { least: 72, most: 200 } };

export function sizesOf(grouped: boolean): Sizes {
  return grouped ? several : alone;
}

/** From the last row of a group to the first of the next below it. */
export function groupPitch(s: Sizes): number {
  return nodeHeight + s.padding + s.groupGap + s.header;
}
