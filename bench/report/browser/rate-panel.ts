import { LOADS } from '../../coordinates.ts';
import type { Load, Measurement } from '../../result.ts';
import { type Axis, baselinesOf, heldValues, measuredValues, type Question, ratesOf, usualHeld } from '../series.ts';
import { LOAD_NAMES } from '../wording.ts';
import { Choice } from './choice.ts';
import type { Style } from './line-styles.ts';
import { draw } from './log-plot.ts';
import { Panel } from './panel.ts';
import { AXIS_NAMES, comparisonNote, comparisonOf, HELD_NAMES, type Subject, tipOf } from './subject.ts';

/** Rates against one of the two axes, one line a speed of the HSM. */
export class RatePanel {
  readonly element: HTMLElement;
  readonly #panel: Panel;
  readonly #load: Choice<Load>;
  readonly #held: Choice<number>;
  readonly #all: readonly Measurement[];
  readonly #along: Axis;
  readonly #styles: ReadonlyMap<string, Style>;
  #subject: Subject | undefined;

  constructor(all: readonly Measurement[], along: Axis, usual: Load, styles: ReadonlyMap<string, Style>) {
    this.#all = all;
    this.#along = along;
    this.#styles = styles;
    const changed = () => this.#subject && this.show(this.#subject);
    this.#load = new Choice('Load', changed);
    this.#held = new Choice(HELD_NAMES[along], changed);
    this.#load.offer(
      measuredValues(all, 'load', LOADS).map((value) => ({ value, name: LOAD_NAMES[value] })),
      usual,
    );
    this.#panel = new Panel(`Rate against ${AXIS_NAMES[along]}`, [this.#load.element, this.#held.element]);
    this.element = this.#panel.element;
  }

  show(subject: Subject): void {
    this.#subject = subject;
    const all = this.#all;
    const about = { load: this.#load.value ?? 'signs', keyType: subject.keyType, along: this.#along };
    const values = heldValues(all, subject.signer, about);
    this.#held.offer(
      values.map((value) => ({ value, name: String(value) })),
      usualHeld(all, subject.signer, about),
    );
    const question: Question = { ...about, held: this.#held.value ?? 0 };
    const rates = ratesOf(all, subject.signer, question);
    if (rates.length === 0) return this.#panel.showNothing();
    const xTicks = [...new Set(rates.map(({ x }) => x))].toSorted((a, b) => a - b);
    const dots = rates.map(({ x, y, line, measurement }) => ({
      x,
      y,
      line,
      title: tipOf(measurement),
      range: rangeOf(measurement.rates),
      isNoisy: measurement.isNoisy,
      isRinged: measurement.processor.limit !== null,
    }));
    const note = `${comparisonNote(subject)}Ringed: the processor was the limit. Grey: keys without an HSM. Hollow: noisy; the strokes reach from the least to the greatest repetition.`;
    this.#panel.show(
      (width) =>
        draw({
          width,
          xLabel: AXIS_NAMES[this.#along],
          yLabel: `${LOAD_NAMES[about.load]} a second`,
          xTicks,
          dots,
          dashed: comparisonOf(all, subject, rates, question),
          grey: baselinesOf(all, question, xTicks),
          styles: this.#styles,
          linesTitle: 'HSM latency',
        }),
      note,
    );
  }
}

const rangeOf = (rates: readonly number[]): [number, number] => [Math.min(...rates), Math.max(...rates)];
