// What a run against a real HSM measures, says beforehand, and makes of it. No HSM is asked.
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import { RULES } from '../plan/repetition.ts';
import type { Measurement, Point, Result } from '../result.ts';
import { withBounds } from './bounds.ts';
import { askConsent, type Intention, intentionText } from './consent.ts';
import { estimateOf, realForm } from './points.ts';

const intention: Intention = {
  url: 'https://myhsm.managedhsm.azure.net',
  user: 'client 1234 of MHSM_CLIENT_ID',
  keyName: undefined,
  keyTypes: ['P-256'],
  atOnce: 32,
  estimate: { signatures: 41_000, seconds: 75 },
  maxSignatures: 20_000,
};

describe('before a real HSM is asked for anything', () => {
  test('it is said which HSM, as whom, with which key, how often, how long', () => {
    expect(intentionText(intention)).toBe(
      [
        'This loads a real HSM to its limit. Others who use it will wait, and it may cost money.',
        '  HSM         https://myhsm.managedhsm.azure.net',
        '  as          client 1234 of MHSM_CLIENT_ID',
        '  key         creates 1 key (P-256), named bench-…, and deletes it at the end; recoverable for the retention of the pool, unless somebody purges it',
        '  signatures  at most 20,000, up to 32 at a time (--max-signatures is 20,000)',
        '  time        about 75 s',
        '',
      ].join('\n'),
    );
    expect(intentionText({ ...intention, keyName: 'web' })).toContain(
      '  key         web, which is there already and stays\n',
    );
    expect(intentionText({ ...intention, maxSignatures: 100_000 })).toContain('at most 41,000, up to 32');
  });

  const ask = (answer: string | undefined, yes = false) => {
    const input = Object.assign(new PassThrough(), { isTTY: answer !== undefined });
    if (answer !== undefined) input.write(`${answer}\n`);
    const output = new PassThrough();
    const said = askConsent(intention, { input, output, yes });
    return said.then(() => String(output.read()));
  };

  test('a person says yes, and nothing else is taken for it', async () => {
    expect(await ask('yes')).toContain('Go on? Type yes: ');
    expect(await ask('YES')).toContain('Go on?');
    for (const answer of ['y', 'no', '']) await expect(ask(answer)).rejects.toThrow('nothing was asked of the HSM');
  });

  test('--yes answers, and still it is said', async () => {
    const said = await ask(undefined, true);
    expect(said).toContain('myhsm');
    expect(said).not.toContain('Go on?');
  });

  test('without a terminal and without --yes it is refused', async () => {
    await expect(ask(undefined)).rejects.toThrow('run it in a terminal, or add --yes');
  });
});

test('one signature at a time comes first, and all points are against the real HSM', () => {
  const points = realForm(['P-256', 'RSA-2048']);
  expect(points[0]).toMatchObject({ signer: 'library', load: 'signs', workers: 1, maxConnections: 1 });
  expect(new Set(points.map(({ hsm }) => hsm))).toEqual(new Set(['real']));
  expect(new Set(points.map(({ keyType }) => keyType))).toEqual(new Set(['P-256', 'RSA-2048']));
});

test('the estimate grows with the points and with their repetitions', () => {
  const points = realForm(['P-256']);
  const quick = estimateOf(points, RULES.quick);
  expect(estimateOf(points, RULES.full).signatures).toBeGreaterThan(quick.signatures);
  expect(estimateOf(points.slice(1), RULES.quick).signatures).toBeLessThan(quick.signatures);
  expect(quick.seconds).toBeGreaterThan(points.length);
});

describe('bounds against a real HSM', () => {
  const [like] = madeUpResult(['P-256']).measurements;
  const real = (point: Partial<Point>, p50 = 10): Measurement => {
    if (like === undefined) throw new Error('the made-up result has measurements');
    const whole: Point = { ...like.point, load: 'signs', hsm: 'real', ...point };
    return { ...like, point: whole, latencyMs: { p50, p95: p50, p99: p50 }, bound: { perSecond: null, by: 'unknown' } };
  };
  const result: Result = {
    ...madeUpResult(['P-256']),
    measurements: [
      real({ workers: 1, maxConnections: 1 }, 10),
      real({ workers: 32, maxConnections: 5 }, 60),
      real({ workers: 8, maxConnections: 20, load: 'handshakes' }),
      real({ workers: 32, maxConnections: 20 }),
    ],
  };

  test('come from its latency for one signature at a time, and from the published speed of a pool', () => {
    expect(withBounds(result).measurements.map(({ bound }) => bound)).toEqual([
      { by: 'connections', perSecond: 100 },
      { by: 'connections', perSecond: 500 },
      { by: 'connections', perSecond: 800 },
      { by: 'capacity', perSecond: 990 },
    ]);
  });

  test('stay unknown where that latency was not measured', () => {
    const without = { ...result, measurements: result.measurements.slice(1) };
    expect(withBounds(without)).toEqual(without);
  });
});
