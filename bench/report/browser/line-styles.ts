import type { Style } from './log-plot.ts';

export type { Style };

/** Colours that people with any colour vision tell apart (Okabe and Ito), each with a symbol of its own. */
const STYLES: readonly Style[] = [
  { colour: 'line-1', symbol: 'circle' },
  { colour: 'line-2', symbol: 'square' },
  { colour: 'line-3', symbol: 'triangle' },
  { colour: 'line-4', symbol: 'diamond2' },
  { colour: 'line-5', symbol: 'star' },
  { colour: 'line-6', symbol: 'wye' },
];

/** The style of each line, the same wherever the line is shown. */
export function stylesOf(lines: readonly string[]): Map<string, Style> {
  return new Map(
    lines.map((line, index) => [line, STYLES[index % STYLES.length] ?? { colour: 'text', symbol: 'circle' }]),
  );
}

/** Percentiles are of one kind: one colour, drawn fainter the rarer they are. */
export const PERCENTILE_STYLES: ReadonlyMap<string, Style> = new Map([
  ['p50', { colour: 'line-1', symbol: 'circle' }],
  ['p95', { colour: 'line-3', symbol: 'square' }],
  ['p99', { colour: 'line-4', symbol: 'triangle' }],
]);
