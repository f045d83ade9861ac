import { LOADS } from '../../coordinates.ts';
import type { Load, Measurement } from '../../result.ts';
import { type Axis, heldValues, measuredValues, percentilesOf, ratesOf, usualHeld, usualSpeed } from '../series.ts';
import { LOAD_NAMES } from '../wording.ts';
import { Choice } from './choice.ts';
import { PERCENTILE_STYLES } from './line-styles.ts';
import { draw } from './log-plot.ts';
import { Panel } from './panel.ts';
import { AXIS_NAMES, HELD_NAMES, type Subject, tipOf } from './subject.ts';

/** Latency percentiles in front of one speed of the HSM, against one of the two axes. */
export class LatencyPanel {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #load: Choice<Load>;
  readonly #speed: Choice<string>;
  readonly #held: Choice<number>;
  readonly #all: readonly Measurement[];
  readonly #along: Axis;
  #subject: Subject | undefined;

  constructor(all: readonly Measurement[], along: Axis) {
    this.#all = all;
    this.#along = along;
    const changed = () => this.#subject && this.show(this.#subject);
    this.#load = new Choice('Load', changed);
    this.#speed = new Choice('HSM', changed);
    this.#held = new Choice(HELD_NAMES[along], changed);
    this.#load.offer(
      measuredValues(all, 'load', LOADS).map((value) => ({ value, name: LOAD_NAMES[value] })),
      along === 'workers' ? 'handshakes' : 'signs',
    );
    const choices = [this.#load, this.#speed, this.#held].map((choice) => choice.element);
    this.#panel = new Panel(`Latency against ${AXIS_NAMES[along]}`, choices);
    this.element = this.#panel.element;
  }

  show(subject: Subject): void {
    this.#subject = subject;
    const about = { load: this.#load.value ?? 'signs', keyType: subject.keyType, along: this.#along };
    this.#held.offer(
      heldValues(this.#all, subject.signer, about).map((value) => ({ value, name: String(value) })),
      usualHeld(this.#all, subject.signer, about),
    );
    const rates = ratesOf(this.#all, subject.signer, { ...about, held: this.#held.value ?? 0 });
    const speeds = [...new Set(rates.map(({ line }) => line))];
    this.#speed.offer(
      speeds.map((value) => ({ value, name: value })),
      usualSpeed(rates),
    );
    const percentiles = percentilesOf(rates, this.#speed.value ?? '');
    if (percentiles.length === 0) return this.#panel.showNothing();
    const dots = percentiles.map(({ x, y, line, measurement }) => ({
      x,
      y,
      line,
      title: tipOf(measurement),
      range: [y, y] as const,
      isNoisy: measurement.isNoisy,
      isRinged: false,
    }));
    this.#panel.show(
      (width) =>
        draw({
          width,
          xLabel: AXIS_NAMES[this.#along],
          yLabel: 'Milliseconds each',
          xTicks: [...new Set(dots.map(({ x }) => x))].toSorted((a, b) => a - b),
          dots,
          dashed: [],
          grey: [],
          styles: PERCENTILE_STYLES,
          linesTitle: 'percentile',
        }),
      'As the client saw it: of 100 of them, 50, 95 and 99 took at most so long.',
    );
  }
}
