import { describe, expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import type { Measurement } from '../result.ts';
import { enoughOf, everyEnough } from './enough.ts';
import { ratesOf } from './series.ts';

const { measurements: all } = madeUpResult(['P-256']);
const question = { load: 'signs', keyType: 'P-256', along: 'maxConnections', held: 16 } as const;
const [like] = ratesOf(all, 'library', question);

/** A line of rates by MaxConnections, with 16 workers. */
function line(rates: Readonly<Record<number, number>>, changes: Partial<Measurement> = {}) {
  return Object.entries(rates).map(([connections, perSecond]) => {
    if (like === undefined) throw new Error('the made-up result has rates');
    const { measurement } = like;
    const x = Number(connections);
    const processor = { busy: 0.3, others: 0, limit: null, perSecond: null };
    const point = { ...measurement.point, workers: 16, maxConnections: x };
    return {
      x,
      y: perSecond,
      line: '5 ms',
      measurement: { ...measurement, point, perSecond, processor, ...changes },
    };
  });
}

const enough = (marks: ReturnType<typeof line>) =>
  enoughOf(marks).map(({ connections, because }) => [connections, because]);

describe('connections are enough', () => {
  test('from the first that give nearly as much as any, in whichever order they were measured', () => {
    const marks = line({ 1: 200, 5: 980, 10: 1000, 20: 990 });
    expect(enough(marks)).toEqual([[5, 'more gave no more']]);
    expect(enough(marks.toReversed())).toEqual([[5, 'more gave no more']]);
  });

  test.each([
    ['one for each worker', line({ 1: 100, 10: 900, 20: 1600, 30: 1600 }), 16],
    ['more were not measured', line({ 1: 100, 5: 500, 10: 1000 }), 10],
    [
      'the processor was the limit',
      line({ 1: 100, 5: 500, 10: 510 }, { processor: { busy: 0.98, others: 0, limit: 'machine', perSecond: 510 } }),
      5,
    ],
    [
      "the agent's one core was the limit",
      line({ 1: 100, 5: 500, 10: 510 }, { processor: { busy: 0.5, others: 0, limit: 'agent', perSecond: 510 } }),
      5,
    ],
    ['the HSM was full', line({ 1: 100, 5: 500, 10: 510 }, { bound: { by: 'capacity', perSecond: 520 } }), 5],
  ] as const)('because %s', (because, marks, connections) => {
    expect(enough([...marks])).toEqual([[connections, because]]);
  });

  test('is not told by two points: nobody sees where the line ends', () => {
    expect(enough(line({ 1: 100, 50: 1000 }))).toEqual([]);
  });
});

test('of a whole result it is told for each load and speed of the HSM', () => {
  const told = everyEnough(all).map(({ measurement: { point } }) => `${point.load} ${JSON.stringify(point.hsm)}`);
  const speeds = ['{"latencyMs":0}', '{"latencyMs":1}', '{"latencyMs":5}', '{"latencyMs":20}', '"standard-b1"'];
  expect(told).toEqual([...speeds.map((speed) => `signs ${speed}`), ...speeds.map((speed) => `handshakes ${speed}`)]);
});
