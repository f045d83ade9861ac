/**
 * A full pool: how long the mock takes to start on a data folder with 5,000 keys, and to list them all (200 pages of 25,
 * one after the other on one connection, as a client does).
 *
 *   node bench/mock-scale.ts --keys 5000 --runs 5
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { MockCaller, newDataFolder, startMock } from './mock-process.ts';

const { values: flags } = parseArgs({
  options: { keys: { type: 'string', default: '5000' }, runs: { type: 'string', default: '5' } },
});
const keys = Number(flags.keys);
const runs = Number(flags.runs);

const targetMs = { start: 2000, list: 1000 };

/** As many as the PKCS#11 library writes. */
const tags = {
  p11_pri_CKA_LABEL: 'tlsKey',
  p11_pri_CKA_ID: 'AQIDBAUGBwg',
  p11_pri_CKA_SIGN: 'true',
  p11_pub_CKA_LABEL: 'tlsKey',
  p11_pub_CKA_ID: 'AQIDBAUGBwg',
  p11_pub_CKA_VERIFY: 'true',
};

async function fill(folder: string): Promise<void> {
  const mock = await startMock(folder);
  const caller = await MockCaller.signIn(mock, folder);
  let next = 0;
  const lane = async () => {
    while (next < keys) {
      next += 1;
      await caller.call('POST', `/keys/key-${String(next).padStart(5, '0')}/create`, { kty: 'EC-HSM', tags });
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
  await caller.close();
  await mock.stop();
}

interface Page {
  readonly value: readonly unknown[];
  readonly nextLink?: string;
}

async function listAll(caller: MockCaller): Promise<number> {
  let count = 0;
  let page = (await caller.call('GET', '/keys')) as Page;
  for (;;) {
    count += page.value.length;
    if (page.nextLink === undefined) return count;
    page = (await caller.call('GET', page.nextLink)) as Page;
  }
}

interface Measured {
  readonly startMs: number;
  readonly startCpuMs: number | undefined;
  readonly listMs: number;
}

/** One start and one list of everything, by a process that has served nothing before. */
async function measure(folder: string): Promise<Measured> {
  const mock = await startMock(folder);
  const caller = await MockCaller.signIn(mock, folder);
  const startedMs = performance.now();
  const count = await listAll(caller);
  const listMs = performance.now() - startedMs;
  if (count !== keys) throw new Error(`the list holds ${count} of ${keys} keys`);
  await caller.close();
  await mock.stop();
  return { startMs: mock.startMs, startCpuMs: mock.startCpuMs, listMs };
}

function report(what: 'start' | 'list', valuesMs: readonly number[]): void {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const medianMs = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const verdict = medianMs < targetMs[what] ? 'reached' : 'MISSED';
  const spread = `${sorted[0]?.toFixed(0)} to ${sorted.at(-1)?.toFixed(0)} ms in ${sorted.length} runs`;
  process.stdout.write(`${what}: ${medianMs.toFixed(0)} ms (${spread}); target ${targetMs[what]} ms: ${verdict}\n`);
  if (verdict === 'MISSED') process.exitCode = 1;
}

async function main(): Promise<void> {
  const folder = newDataFolder();
  const [model] = cpus();
  process.stdout.write(
    `node ${process.version}, ${availableParallelism()} × ${model?.model ?? 'unknown processor'}; ${keys} keys\n`,
  );
  await fill(folder);
  const results: Measured[] = [];
  for (let i = 0; i < runs; i += 1) results.push(await measure(folder));
  report(
    'start',
    results.map(({ startMs }) => startMs),
  );
  report(
    'list',
    results.map(({ listMs }) => listMs),
  );
  // On a busy machine this says more than the time that passed.
  const cpuMs = results.map(({ startCpuMs = Number.NaN }) => startCpuMs).sort((a, b) => a - b);
  process.stdout.write(`processor time of a start: ${cpuMs[Math.floor(cpuMs.length / 2)]?.toFixed(0)} ms\n`);
}

await main();
