// @module-tag mock-form
// Speed, faults and clock from the command line, and the chance that follows from the seed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { afterAll, describe, expect, test } from 'vitest';
import { startMockHsm } from '../start.ts';
import type { FaultRequest } from '../traffic/fault-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-flags-'));
const program = join(import.meta.dirname, '..', 'bin.ts');
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function ask(url: string, ca: string) {
  const dispatcher = new Agent({ connect: { ca } });
  const { statusCode, body } = await request(url, { dispatcher });
  const text = await body.text();
  await dispatcher.close();
  return { status: statusCode, text };
}

test('flags set profile, latency, capacity, partitions, faults, clock and the life of connections', async () => {
  const flags = [
    ...['--data-dir', folder, '--profile', 'standard-b1', '--latency', '2ms+-1ms', '--partitions', '2'],
    ...['--capacity', 'sign:RSA-2048=1100', '--capacity', 'create=5', '--clock', '2031-01-01T00:00:00Z,frozen'],
    ...['--fault', 'sign:status=503,times=3,retry-after=1', '--fault', '*:probability=0.5,delay=1ms', '--seed', '7'],
    ...['--idle-timeout', '30s', '--max-requests-per-connection', '9'],
  ];
  const child = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const url = String(line).replace('ready ', '');
  const ca = readFileSync(join(folder, 'ca.pem'), 'utf8');
  const state = async (path: string) => JSON.parse((await ask(`${url}/mock/${path}`, ca)).text);
  expect(await state('profile')).toMatchObject({
    profile: 'standard-b1',
    latency: '2ms±1ms',
    partitions: 2,
    rates: { 'sign:RSA-2048': 1100, 'sign:P-256': 330, create: 5 },
  });
  expect(await state('faults')).toMatchObject([
    { operation: 'sign', status: 503, times: 3, retryAfterS: 1, left: 3 },
    { probability: 0.5, delayMs: 1, times: 'always' },
  ]);
  expect(await state('clock')).toMatchObject({ now: '2031-01-01T00:00:00.000Z', frozen: true });
  expect(await state('connections')).toEqual({ idleTimeoutMs: 30_000, maxRequests: 9 });
});

describe('faults by rate', () => {
  const faults: FaultRequest[] = [{ operation: 'discovery', status: 503, probability: 0.5 }];

  async function statuses(seed: number): Promise<number[]> {
    const hsm = await startMockHsm({ seed, faults });
    const answers: number[] = [];
    for (let i = 0; i < 24; i += 1) {
      answers.push((await ask(`${hsm.url}/common/discovery/instance`, hsm.caPem)).status);
    }
    await hsm.close();
    return answers;
  }

  test('strike the same requests under the same seed, and others under another', async () => {
    const [first, again, other] = [await statuses(5), await statuses(5), await statuses(6)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 503]));
  });
});

test('a fault for an operation that no route has ends the start with one clear line', async () => {
  await expect(startMockHsm({ faults: [{ operation: 'sing', status: 500 }] })).rejects.toThrow(/sing; known: .*sign/);
});
