import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustRun, waitFor } from '../demo/process.ts';
import { processesWith } from './processes.ts';
import type { Result } from './result.ts';

/** Two points: nginx with the library, and with a PEM key, one worker each. */
const TWO_POINTS = [
  '--load',
  'handshakes',
  '--workers',
  '1',
  '--signer',
  'library',
  'pem',
  '--hsm-speed',
  '20ms',
  'none',
];
/** Three runs of a few seconds each, where nothing else runs. */
const PATIENCE_MS = 300_000;

let folder: string;
let temporary: string;

beforeAll(async () => {
  await mustRun('make', ['-s', '-C', 'native', 'bench'], { timeoutMs: 120_000 });
  folder = mkdtempSync(join(tmpdir(), 'bench-run-'));
  temporary = join(folder, 'temporary');
  mkdirSync(temporary, { mode: 0o711 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const resultOf = (out: string) => JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result;

function start(out: string, ...args: string[]): { child: ChildProcess; said: () => string; ended: Promise<number> } {
  const all = ['bench/run.ts', '--quick', '--out', out, ...args];
  const child = spawn(process.execPath, all, {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  return { child, said: () => said, ended: once(child, 'exit').then(([code]) => Number(code)) };
}

/** What a run started has its folder, which is below ours, among its arguments. */
function expectNothingLeft(): void {
  expect(processesWith(temporary)).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
}

test('an interrupted run leaves its result and nothing else, and goes on where it stopped', {
  timeout: PATIENCE_MS,
}, async () => {
  const out = join(folder, 'out');
  const first = start(out, ...TWO_POINTS);
  await waitFor('the first point', () => (/^\[1\/2,/m.test(first.said()) ? true : undefined), 200);
  first.child.kill('SIGINT');
  expect(await first.ended, first.said()).toBe(1);
  expectNothingLeft();
  const { measurements: before, finishedAt } = resultOf(out);
  expect(finishedAt).toBeNull();
  expect(before).toHaveLength(1);

  const second = start(out, ...TWO_POINTS, '--resume');
  expect(await second.ended, second.said()).toBe(0);
  expectNothingLeft();
  const { measurements, finishedAt: end } = resultOf(out);
  expect(end).not.toBeNull();
  expect(measurements[0]).toEqual(before[0]);
  expect(measurements.map(({ point }) => point.signer)).toEqual(['library', 'pem']);

  for (const { perSecond, failures, rates } of measurements) {
    expect(perSecond).toBeGreaterThan(0);
    expect(failures).toBe(0);
    expect(rates.length).toBeGreaterThanOrEqual(3);
  }
  const [library, pem] = measurements;
  // Each handshake is a signature in the HSM; those with a PEM key are none.
  expect(library?.signsPerSecond).toBeGreaterThan(0);
  // All that were opened, used or not: one worker signs on one of them.
  expect(library?.hsmConnections).toBeGreaterThan(1);
  expect(library?.hsmConnections).toBeLessThanOrEqual(20);
  expect(library?.memoryKiB.agent).toBeGreaterThan(0);
  expect(pem?.signsPerSecond).toBeNull();
  expect(pem?.memoryKiB).toMatchObject({ agent: null });

  const changed = resultOf(out);
  changed.machine.programs['mhsm-pkcs11'] = 'another build';
  changed.machine.programs['mock-hsm'] = 'another mock';
  writeFileSync(join(out, 'result.json'), JSON.stringify(changed));
  const third = start(out, ...TWO_POINTS, '--resume');
  expect(await third.ended).toBe(1);
  expect(third.said()).toMatch(/mhsm-pkcs11 was another build and is .*; mock-hsm was another mock and is build /);
  expectNothingLeft();
});

test('a run against a real HSM does not go on, and says so before it asks anything', async () => {
  const { ended, said } = start(join(folder, 'none'), '--hsm', 'https://hsm.invalid', '--resume');
  expect(await ended).toBe(1);
  expect(said()).toMatch(/--hsm cannot --resume/);
});

test('values that no point has are said to be wrong', async () => {
  const { ended, said } = start(join(folder, 'none'), '--workers', '3');
  expect(await ended).toBe(1);
  expect(said()).toMatch(/no point of the quick form has these values/);
});
