// A plot with two logarithmic axes, its lines named at their right ends.
import * as Plot from '@observablehq/plot';
import { domainOf, logTicks, spreadApart } from '../plot-layout.ts';
import { figure } from '../wording.ts';

/** One mark of a line; `title` is what its tip says. */
export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly line: string;
  readonly title: string;
  /** From the least to the greatest of the repetitions. */
  readonly range: readonly [number, number];
  /** A hollow dot. */
  readonly isNoisy: boolean;
  /** A ring around it. */
  readonly isRinged: boolean;
}

export interface LinePoint {
  readonly x: number;
  readonly y: number;
  readonly line: string;
}

export interface Style {
  /** Name of a colour of the style sheet, without its dashes. */
  readonly colour: string;
  readonly symbol: 'circle' | 'square' | 'triangle' | 'diamond2' | 'star' | 'wye' | 'none';
}

export interface LogPlot {
  readonly width: number;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xTicks: readonly number[];
  /** Measured: solid lines with dots. */
  readonly dots: readonly Dot[];
  /** What they are compared with: dashed, in the colours of the lines of the same name. */
  readonly dashed: readonly LinePoint[];
  /** Grey lines of their own. */
  readonly grey: readonly LinePoint[];
  readonly styles: ReadonlyMap<string, Style>;
  /** What the lines differ in, above their names. */
  readonly linesTitle: string;
}

const HEIGHT = 380;
const MARGIN = { top: 28, right: 104, bottom: 44, left: 58 };
const LABEL_GAP = 15;

const colourOf = ({ styles }: LogPlot, line: string): string => `var(--${styles.get(line)?.colour ?? 'faint'})`;
const symbolOf = ({ styles }: LogPlot, line: string): string => styles.get(line)?.symbol ?? 'circle';

/** Last point of each line, the furthest to the right. */
function endsOf(points: readonly LinePoint[]): LinePoint[] {
  const ends = new Map<string, LinePoint>();
  for (const point of points) if (point.x >= (ends.get(point.line)?.x ?? 0)) ends.set(point.line, point);
  return [...ends.values()];
}

/** The names of the lines at the right edge, each as near to the end of its line as the others allow. */
function labelMarks(plot: LogPlot, [least, most]: readonly [number, number]): Plot.Markish[] {
  const room = HEIGHT - MARGIN.top - MARGIN.bottom;
  const rowOf = (y: number) => (1 - Math.log(y / least) / Math.log(most / least)) * room;
  const valueAt = (row: number) => least * (most / least) ** (1 - row / room);
  const ends = endsOf([...plot.dots, ...plot.grey]);
  const rows = spreadApart(
    ends.map(({ y }) => rowOf(y)),
    LABEL_GAP,
    0,
    room,
  );
  const labels = ends.map(({ line }, index) => ({ line, y: valueAt(rows[index] ?? 0) }));
  const hasSymbol = ({ line }: { line: string }) => plot.styles.has(line) && symbolOf(plot, line) !== 'none';
  return [
    Plot.text([plot.linesTitle], {
      frameAnchor: 'top-right',
      textAnchor: 'start',
      dx: 14,
      dy: -24,
      fill: 'var(--faint)',
    }),
    Plot.dot(labels.filter(hasSymbol), {
      y: 'y',
      frameAnchor: 'right',
      dx: 20,
      r: 3.5,
      symbol: 'line',
      stroke: 'line',
      fill: 'line',
    }),
    Plot.text(labels, {
      y: 'y',
      text: 'line',
      frameAnchor: 'right',
      textAnchor: 'start',
      dx: 28,
      fill: ({ line }: { line: string }) => colourOf(plot, line),
      fontWeight: 600,
    }),
  ];
}

function marksOf(plot: LogPlot): Plot.Markish[] {
  const { dots, dashed, grey } = plot;
  const line = { x: 'x', y: 'y', z: 'line', strokeLinejoin: 'round' } as const;
  const fill = ({ line: name, isNoisy }: Dot) => (isNoisy ? 'var(--panel)' : colourOf(plot, name));
  return [
    Plot.line(grey, { ...line, stroke: 'var(--faint)', strokeWidth: 1.25 }),
    Plot.line(dashed, { ...line, stroke: 'line', strokeWidth: 1.5, strokeDasharray: '2 4', strokeLinecap: 'round' }),
    // Small dots too: of some there is one point alone.
    Plot.dot(dashed, { x: 'x', y: 'y', fill: 'line', r: 1.75 }),
    Plot.ruleX(dots, { x: 'x', y1: ({ range }: Dot) => range[0], y2: ({ range }: Dot) => range[1], stroke: 'line' }),
    Plot.line(dots, { ...line, stroke: 'line', strokeWidth: 2 }),
    Plot.dot(
      dots.filter((dot) => symbolOf(plot, dot.line) !== 'none'),
      { x: 'x', y: 'y', symbol: 'line', stroke: 'line', fill, r: 3.5, strokeWidth: 1.5 },
    ),
    Plot.dot(
      dots.filter(({ isRinged }) => isRinged),
      { x: 'x', y: 'y', stroke: 'var(--faint)', strokeWidth: 1, r: 7.5 },
    ),
    Plot.tip(dots, Plot.pointer({ x: 'x', y: 'y', title: 'title', maxRadius: 40, lineHeight: 1.35 })),
  ];
}

/** Draws it. The element's text is text of the page: it can be searched, read aloud and printed. */
export function draw(plot: LogPlot): Element {
  const lines = [...plot.styles.keys()];
  const least = plot.dots.flatMap(({ range, y }) => [...range, y]);
  const domain = domainOf([...least, ...[...plot.dashed, ...plot.grey].map(({ y }) => y)]);
  const xs = [...plot.xTicks, ...plot.dots.map(({ x }) => x)];
  const ends = [Math.min(...xs), Math.max(...xs)] as const;
  const xDomain = ends[0] < ends[1] ? [...ends] : domainOf(xs);
  const symbols = lines.map((name) => symbolOf(plot, name)).map((name) => (name === 'none' ? 'circle' : name));
  return Plot.plot({
    width: plot.width,
    height: HEIGHT,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    insetLeft: 8,
    style: { fontSize: '12px', background: 'transparent', color: 'var(--faint)' },
    x: {
      type: 'log',
      domain: xDomain,
      ticks: [...plot.xTicks],
      tickFormat: String,
      tickSize: 4,
      label: plot.xLabel,
      labelAnchor: 'center',
      labelArrow: 'none',
      labelOffset: 38,
    },
    y: {
      type: 'log',
      domain: [...domain],
      ticks: logTicks(domain),
      tickFormat: (value: number) => shortFigure(value),
      tickSize: 0,
      grid: true,
      label: plot.yLabel,
      labelArrow: 'none',
    },
    color: { type: 'ordinal', domain: lines, range: lines.map((name) => colourOf(plot, name)) },
    symbol: { type: 'ordinal', domain: lines, range: symbols },
    marks: [...marksOf(plot), ...labelMarks(plot, domain)],
  });
}

/** Of an axis: 0.5, 20, 5,000. */
const shortFigure = (value: number): string =>
  value >= 1 ? value.toLocaleString('en-US') : figure(value).replace(/0$/, '');
