import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyRoute, FuzzedMock } from './fuzzed-mock.ts';
import { curlLine, type RouteRow, requestFor } from './requests.ts';

const runs = Number(process.env.MOCK_HSM_FUZZ_RUNS ?? 3000);
const seed = Number(process.env.MOCK_HSM_FUZZ_SEED ?? 1);
const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));

let rows: RouteRow[];
let mock: FuzzedMock;

beforeAll(async () => {
  rows = await everyRoute();
  mock = await FuzzedMock.start(folder);
});

afterAll(async () => {
  await mock.close();
  rmSync(folder, { recursive: true });
});

test(`${runs} requests to all routes, seed ${seed}: no 5xx, nothing leaks, it goes on signing`, async () => {
  const tried = new Set<string>();
  let count = 0;
  const property = fc.asyncProperty(requestFor(rows), async (request) => {
    tried.add(request.route);
    const wrong = await mock.judge(request);
    if (wrong !== undefined) throw new Error(`${wrong}\n${curlLine(request)}`);
    count += 1;
    if (count % 100 > 0) return;
    await mock.assertSigns();
    await mock.tend();
  });
  await fc.assert(property, { numRuns: runs, seed });
  await mock.assertSigns();
  // A short run need not come to all.
  if (runs < rows.length * 10) return;
  expect([...tried].sort()).toEqual(rows.map(({ method, url }) => `${method} ${url}`).sort());
}, 36_000_000);

test('afterwards everything is as it was shown, also after a restart', async () => {
  const before = await mock.everything();
  await mock.pool.close();
  const again = await FuzzedMock.reopen(folder);
  expect(await again.everything()).toEqual(before);
  await again.assertSigns();
  mock = again;
});
