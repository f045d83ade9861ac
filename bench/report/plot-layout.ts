// Where things stand on a logarithmic plot. Pure.

/** Least and greatest value, with a little room around; 1 to 10 where there are none. Values must be positive. */
export function domainOf(values: readonly number[]): [number, number] {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return [1, 10];
  return [Math.min(...positive) / 1.25, Math.max(...positive) * 1.25];
}

/** Steps of a decade, from coarse to fine, and with how many ticks each is fine enough. */
const STEPS = [
  { steps: [1], enough: 5 },
  { steps: [1, 2, 5], enough: 3 },
  { steps: [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], enough: 0 },
];

/** Round values for a logarithmic axis, by the coarsest steps that are fine enough. */
export function logTicks(domain: readonly [number, number]): number[] {
  const choices = STEPS.map(({ steps, enough }) => ({ ticks: ticksBy(steps, domain), enough }));
  return choices.find(({ ticks, enough }) => ticks.length >= enough)?.ticks ?? [];
}

function ticksBy(steps: readonly number[], [least, most]: readonly [number, number]): number[] {
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(least)); exponent <= Math.ceil(Math.log10(most)); exponent += 1) {
    // Negative powers of ten are not exact when multiplied.
    for (const step of steps) ticks.push(exponent < 0 ? step / 10 ** -exponent : step * 10 ** exponent);
  }
  return ticks.filter((tick) => tick >= least && tick <= most);
}

/**
 * Places for labels beside the ends of lines: as near to `wanted` as can be, in its order, at least `gap` apart, within
 * `least` and `most` as long as all of them find room there.
 */
export function spreadApart(wanted: readonly number[], gap: number, least: number, most: number): number[] {
  const order = wanted.map((_, index) => index).toSorted((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const places = order.map((index) => wanted[index] ?? 0);
  // Down from the top, each below the one before; then up again from the bottom edge.
  for (let i = 0; i < places.length; i += 1) {
    places[i] = Math.max(places[i] ?? 0, i === 0 ? least : (places[i - 1] ?? 0) + gap);
  }
  for (let i = places.length - 1; i >= 0; i -= 1) {
    places[i] = Math.min(places[i] ?? 0, i === places.length - 1 ? most : (places[i + 1] ?? 0) - gap);
  }
  const result: number[] = [];
  order.forEach((index, place) => {
    result[index] = places[place] ?? 0;
  });
  return result;
}
