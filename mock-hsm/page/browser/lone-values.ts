// Which values of a series a line cannot show.

/** Indices of values that have a gap, or an end of the series, on both sides. */
export const loneValues = (values: readonly (number | null | undefined)[]): number[] =>
  values.flatMap((value, i) => (value != null && values[i - 1] == null && values[i + 1] == null ? [i] : []));
