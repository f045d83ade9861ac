// One plot over time, drawn by uPlot in the colours of the style sheet.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { html } from './html.ts';
import { loneValues } from './lone-values.ts';

export interface Line {
  readonly label: string;
  /** Name of a colour of the style sheet, without its dashes. */
  readonly colour: string;
  /** Null where there is nothing to show: the line has a gap there. */
  readonly values: readonly (number | null)[];
  readonly filled?: boolean;
}

export interface PlotProps {
  readonly label: string;
  /** Unix seconds, one for each value. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly show: (value: number) => string;
}

const height = 160;
/** Between labels of times: two minutes too, so that a narrow plot of five minutes has more than one label. */
const timeStepsS = [1, 2, 5, 10, 15, 30, 60, 120, 300];
const dark = matchMedia('(prefers-color-scheme: dark)');

/** A plot that follows its data, the width of its place, and the theme. */
export function Plot({ label, times, lines, show }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = [times, ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData;
  const newest = useRef(data);
  newest.current = data;
  const legend = lines.map((line) => line.label).join();
  // Made again for other lines alone; new data is given to it below.
  useEffect(() => {
    const { current: element } = place;
    if (element === null) return undefined;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(lines, show, element.clientWidth), newest.current, element);
    };
    draw();
    const resizing = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resizing.observe(element);
    dark.addEventListener('change', draw);
    return () => {
      dark.removeEventListener('change', draw);
      resizing.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [legend]);
  useEffect(() => plot.current?.setData(newest.current));
  return html`<div class="plot" ref=${place} role="img" aria-label=${label}></div>`;
}

function optionsOf(lines: readonly Line[], show: (value: number) => string, width: number): uPlot.Options {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('faint'),
    font: '11px system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: colour('line'), width: 1 },
  };
  return {
    width,
    height,
    // Half of the last time's label reaches over the right edge of the plot.
    padding: [8, 30, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { show: lines.length > 1, live: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.15)] } },
    axes: [
      { ...axis, values: (_plot, seconds) => seconds.map(timeOf), space: 70, size: 26, incrs: timeStepsS },
      { ...axis, values: (_plot, values) => values.map(show), size: 58 },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        ...(line.filled === true ? { fill: `${colour(line.colour)}22` } : {}),
        width: 1.75,
        points: { show: false, size: 5, fill: colour(line.colour), filter: loneAmong },
        spanGaps: false,
      })),
    ],
  };
}

/** Between two gaps there is no line to draw: such values become points. */
const loneAmong = (plot: uPlot, series: number): number[] => loneValues(Array.from(plot.data[series] ?? []));

/** In UTC, as the log. */
const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 19);
