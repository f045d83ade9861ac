// The Markdown table and the lines of the terminal.
import { describe, expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import type { Measurement, Result } from '../result.ts';
import { COLUMNS } from './columns.ts';
import { markdownOf } from './markdown.ts';
import { linesOf } from './terminal.ts';

const made = madeUpResult(['RSA-2048']);
const measurement: Measurement = {
  point: {
    signer: 'library',
    load: 'handshakes',
    keyType: 'RSA-2048',
    workers: 16,
    maxConnections: 20,
    hsm: { latencyMs: 5 },
  },
  rates: [2690.4, 2712, 2733],
  perSecond: 2712,
  spread: 0.016,
  isNoisy: false,
  latencyMs: { p50: 5.61, p95: 7.04, p99: 11.26 },
  failures: 0,
  signsPerSecond: 2712,
  hsmConnections: 16,
  cores: { agent: 0.52, workers: 0.61, hsm: 0.33, client: 0.4, machine: 1.94 },
  memoryKiB: { agent: 61_440, worker: 2412 },
  bound: { perSecond: 3200, by: 'connections' },
  processor: { busy: 0.4, others: 0, limit: null, perSecond: null },
};
const noisy: Measurement = {
  ...measurement,
  point: { ...measurement.point, workers: 1, signer: 'pem', maxConnections: null, hsm: null },
  spread: 0.214,
  isNoisy: true,
  failures: 1234,
  hsmConnections: null,
  bound: { perSecond: null, by: 'unknown' },
};

const withOnly = (...measurements: Measurement[]): Result => ({ ...made, measurements, targets: [] });
/** Cells of the rows of all tables of measurements, heads and rulers left out. */
const rowsOf = (markdown: string): string[][] =>
  markdown
    .slice(markdown.search(/^## (Signatures|TLS)/m))
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| signer'))
    .map((line) => line.slice(2, -2).split(' | '));

const REMARKS = COLUMNS.findIndex(({ head }) => head === 'remarks');

test('a line of the terminal says what was measured, the bound and the share of it, and how long each took', () => {
  expect(linesOf(measurement)).toBe(
    'handshakes RSA-2048 mhsm-pkcs11, HSM 5 ms, 16 workers, MaxConnections 20: ' +
      '2,712/s of 3,200 (85 %); p50 5.61, p95 7.04, p99 11.3 ms',
  );
});

test('a line of the terminal says when a measurement is noisy or something failed', () => {
  expect(linesOf(noisy)).toBe(
    'handshakes RSA-2048 PEM file, 1 worker: ' +
      '2,712/s; p50 5.61, p95 7.04, p99 11.3 ms; noisy: 21 % spread; 1,234 failed',
  );
});

describe('where the processor mattered, line and row say so, beside the bound and not as one', () => {
  const busyWith = (processor: Measurement['processor'], bound = measurement.bound): Measurement => ({
    ...measurement,
    bound,
    processor,
  });
  const none = { perSecond: null, by: 'unknown' } as const;

  test.each([
    [
      'it was the limit',
      busyWith({ busy: 0.97, others: 0, limit: 'machine', perSecond: 2790 }),
      '2,712/s of 3,200 (85 %)',
      'processor 97 % busy: the limit here',
      ['85 %', 'connections', '97 %', '2,800'],
    ],
    [
      'it was the limit and nothing is known beforehand: there is no share of it',
      busyWith({ busy: 1, others: 0, limit: 'machine', perSecond: 2712 }, none),
      '2,712/s',
      'processor 100 % busy: the limit here',
      ['', '', '100 %', '2,700'],
    ],
    [
      'the agent was the limit, with cores to spare',
      busyWith({ busy: 0.4, others: 0, limit: 'agent', perSecond: 2712 }),
      '2,712/s of 3,200 (85 %)',
      "the agent's one core busy: the limit here",
      ['85 %', 'connections', '40 %', '2,700'],
    ],
    [
      'it would end before the bound',
      busyWith({ busy: 0.9, others: 0, limit: null, perSecond: 3013 }),
      '2,712/s of 3,200 (85 %)',
      'processor 90 % busy: would end it at about 3,000/s',
      ['85 %', 'connections', '90 %', '3,000'],
    ],
  ])('%s', (_, busy, rate, remark, cells) => {
    expect(linesOf(busy).replace(/^.*?: /, '')).toBe(`${rate}; p50 5.61, p95 7.04, p99 11.3 ms; ${remark}`);
    const [row = []] = rowsOf(markdownOf(withOnly(busy)));
    expect(row.slice(6, 10)).toEqual(cells);
    expect(row.at(REMARKS)).toBe(remark);
  });

  test('it did other work: the figure is not of this alone', () => {
    const spoilt = busyWith({ busy: 0.97, others: 0.43, limit: 'machine', perSecond: 3100 });
    expect(linesOf(spoilt)).toMatch(/; processor 97 % busy: the limit here; other programs had 43 % of the processor$/);
    expect(linesOf(busyWith({ busy: 0.5, others: 0.09, limit: null, perSecond: null }))).not.toMatch(/other programs/);
  });

  test('it would not end before the bound: the bound alone counts', () => {
    expect(linesOf(busyWith({ busy: 0.6, others: 0, limit: null, perSecond: 4500 }))).not.toMatch(/processor/);
  });
});

test('a row of the table has rate, bound, share, percentiles, processor, memory and connections', () => {
  expect(rowsOf(markdownOf(withOnly(measurement)))).toEqual([
    [
      ...['mhsm-pkcs11', '5 ms', '16', '20', '2,712', '3,200', '85 %', 'connections', '40 %', ''],
      ...['5.61', '7.04', '11.3', '', '0.52', '0.61', '60.0', '2.36', '16'],
    ],
  ]);
});

test('a row of the table marks what is noisy or failed', () => {
  expect(rowsOf(markdownOf(withOnly(noisy)))[0]?.at(REMARKS)).toBe('noisy: 21 % spread; 1,234 failed');
});

test('every measurement has its row, and every row as many cells as the head', () => {
  const markdown = markdownOf({ ...made, targets: [] });
  const rows = rowsOf(markdown);
  expect(rows).toHaveLength(made.measurements.length);
  const head = markdown.split('\n').find((line) => line.startsWith('| signer')) ?? '';
  expect(new Set(rows.map((cells) => cells.length))).toEqual(new Set([head.split(' | ').length]));
});

test('machine, date, programs and targets stand at the top', () => {
  const [top] = markdownOf(made).split('## Signatures');
  expect(top).toContain('2026-01-02 03:04 UTC, full form, 2 h 0 min');
  expect(top).toContain('Made-up CPU @ 2.50GHz, 2 cores, 8.00 GiB');
  expect(top).toContain('nginx 1.22.1');
  expect(top).toMatch(/\| 0\.93 × \| ≥ 0\.9 × \| yes \|/);
});

test('what to set stands before the figures, for each load and speed of the HSM, with the reason', () => {
  const [, answer = ''] = /^## Which MaxConnections$(.*?)^## /ms.exec(markdownOf(made)) ?? [];
  expect(answer).toContain('| load | key | workers | HSM | MaxConnections | a second | p99 ms | because |');
  expect(answer).toMatch(
    /^\| Signatures \| RSA-2048 \| 32 \| 20 ms \| 32 \| [\d,]+ \| [\d.]+ \| one for each worker \|$/m,
  );
  expect(answer).toMatch(/^\| TLS 1\.3 handshakes \| RSA-2048 \| 32 \| 5 ms .* \| the processor was the limit \|$/m);
  expect(markdownOf(withOnly(measurement))).not.toContain('Which MaxConnections');
});

test('a run of chosen points, or one that did not finish, says so at the top', () => {
  const chosen = { ...made, finishedAt: null, only: { workers: ['1', '4'], load: ['signs'] } };
  expect(markdownOf(chosen)).toContain('full form with workers 1, 4; load signs only, incomplete;');
});

test('no text of a result breaks a table', () => {
  const target = { name: 'a|b\nc', figure: 1, shown: '1', wanted: '1', isMet: false, from: 'x\\|y' };
  expect(markdownOf({ ...made, targets: [target] })).toContain('| a\\|b c | 1 | 1 | NO | x\\\\\\|y |');
});
