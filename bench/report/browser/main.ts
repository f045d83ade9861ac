// The page of a result: choices at the top, plots, and the table below. The result stands in the page itself.
import { KEY_TYPES, SIGNERS } from '../../coordinates.ts';
import type { KeyType, Measurement, Result, Signer } from '../../result.ts';
import { measuredValues, speedsOf } from '../series.ts';
import { SIGNER_NAMES } from '../wording.ts';
import { Choice } from './choice.ts';
import { LatencyPanel } from './latency-panel.ts';
import { stylesOf } from './line-styles.ts';
import { RatePanel } from './rate-panel.ts';
import type { Comparison } from './subject.ts';
import { answersOf, tablesOf } from './table.ts';

const hasHsm = ({ point }: Measurement) => point.hsm !== null;

function show({ measurements: all }: Result): void {
  const inFront = all.filter(hasHsm);
  const styles = stylesOf(speedsOf(all));
  const keyType = new Choice<KeyType>('Key', update);
  const signer = new Choice<Signer>('Signer', update);
  const comparison = new Choice<Comparison>('Compared with', update);
  const panels = [
    new RatePanel(all, 'maxConnections', 'signs', styles),
    new RatePanel(all, 'workers', 'handshakes', styles),
    new LatencyPanel(all, 'maxConnections'),
    new LatencyPanel(all, 'workers'),
  ];
  const [answers, tables] = [place('answers'), place('tables')];

  const signers = measuredValues(inFront, 'signer', SIGNERS).map((value) => ({ value, name: SIGNER_NAMES[value] }));
  keyType.offer(
    measuredValues(inFront, 'keyType', KEY_TYPES).map((value) => ({ value, name: value })),
    mostMeasured(inFront),
  );
  signer.offer(signers);
  comparison.offer([{ value: 'bound', name: 'the bound' }, ...signers]);

  function update(): void {
    const [type, who, beside] = [keyType.value, signer.value, comparison.value];
    if (type === undefined || who === undefined || beside === undefined) return;
    for (const panel of panels) panel.show({ keyType: type, signer: who, comparison: beside });
    answers.replaceChildren(...answersOf(all, type));
    tables.replaceChildren(...tablesOf(all, type));
  }

  place('choices').append(...[keyType, signer, comparison].map((choice) => choice.element));
  place('plots').append(...panels.map((panel) => panel.element));
  update();
}

/** A quick run measures whole lines with one type of key alone. */
function mostMeasured(all: readonly Measurement[]): KeyType | undefined {
  const count = (keyType: KeyType) => all.filter(({ point }) => point.keyType === keyType).length;
  return KEY_TYPES.toSorted((a, b) => count(b) - count(a))[0];
}

function place(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

show(JSON.parse(place('result').textContent) as Result);
