import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyRoute, FuzzedMock } from './fuzzed-mock.ts';
import { curlLine, type RouteRow, requestFor } from './requests.ts';

const runs = Number(process.env.MOCK_HSM_FUZZ_RUNS ?? 3000);
const seed = Number(process.env.MOCK_HSM_FUZZ_SEED ?? 1);
/** Of them as many go to a mock whose answers are late. */
const lateShare = 0.2;
const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
const lateFolder = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));

let rows: RouteRow[];
let mock: FuzzedMock;

beforeAll(async () => {
  rows = await everyRoute();
  mock = await FuzzedMock.start(folder);
});

afterAll(async () => {
  await mock.close();
  for (const each of [folder, lateFolder]) rmSync(each, { recursive: true });
});

/** Sends so many requests. @returns the routes they were for */
async function fuzz(target: FuzzedMock, numRuns: number): Promise<Set<string>> {
  const tried = new Set<string>();
  let count = 0;
  const property = fc.asyncProperty(requestFor(rows), async (request) => {
    tried.add(request.route);
    const wrong = await target.judge(request);
    if (wrong !== undefined) throw new Error(`${wrong}\n${curlLine(request)}`);
    count += 1;
    if (count % 100 > 0) return;
    await target.assertSigns();
    await target.tend();
  });
  await fc.assert(property, { numRuns, seed });
  await target.assertSigns();
  return tried;
}

test(`${runs} requests to all routes, seed ${seed}: no 5xx, nothing leaks, it goes on signing`, async () => {
  const tried = await fuzz(mock, runs);
  // A short run need not come to all.
  if (runs < rows.length * 10) return;
  expect([...tried].sort()).toEqual(rows.map(({ method, url }) => `${method} ${url}`).sort());
}, 36_000_000);

test('a part of them, when answers are late', async () => {
  const late = await FuzzedMock.start(lateFolder, '2ms');
  await fuzz(late, Math.ceil(runs * lateShare));
  await late.close();
}, 36_000_000);

test('afterwards everything is as it was shown, also after a restart', async () => {
  const before = await mock.everything();
  await mock.pool.close();
  const again = await FuzzedMock.reopen(folder);
  expect(await again.everything()).toEqual(before);
  await again.assertSigns();
  mock = again;
});
