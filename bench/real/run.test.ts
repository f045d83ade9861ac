// A real HSM is an address and credentials: mock-hsm has both, and says what it was asked for.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { mustRun } from '../../demo/process.ts';
import { Workbench } from '../../demo/workbench.ts';
import { madeUpResult } from '../made-up-result.ts';
import type { Measurement, Result } from '../result.ts';
import { readResult, resultFile, writeResult } from '../result-file.ts';
import { Budget } from './budget.ts';
import { configuredHsm } from './configured-hsm.ts';
import { RealBenchHsm } from './hsm.ts';
import { type RealOptions, runReal } from './run.ts';

let bench: Workbench;
let out: string;
let said: string[];

beforeAll(async () => {
  await mustRun('sh', ['scripts/debian-packages', 'libssl-dev'], { timeoutMs: 120_000 });
  await mustRun('make', ['-s', '-C', 'native', 'bench'], { timeoutMs: 120_000 });
  bench = await Workbench.start('real', { token: { allowDestroy: false } });
});

afterAll(() => bench?.stop());

beforeEach(() => {
  const { clientId, clientSecret } = bench.offload.mock.keyGeneration;
  vi.stubEnv('MHSM_CLIENT_ID', clientId);
  vi.stubEnv('MHSM_CLIENT_SECRET', clientSecret);
  out = mkdtempSync(join(tmpdir(), 'bench-real-'));
  said = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(out, { recursive: true, force: true });
});

function run(changes: Partial<RealOptions> = {}, yes = true): Promise<boolean> {
  const options: RealOptions = {
    hsm: bench.offload.mock.url,
    config: bench.offload.configurationFile,
    keyName: undefined,
    maxSignatures: '100000',
    form: 'quick',
    keyTypes: undefined,
    filter: { workers: ['1'] },
    out,
    ...changes,
  };
  const result: Result = { ...madeUpResult([]), hsm: 'real', form: 'quick', measurements: [], targets: [] };
  const asking = { input: new PassThrough(), output: new PassThrough(), yes };
  const signal = new AbortController().signal;
  return runReal({ options, result, asking, signal, say: (line) => said.push(line) });
}

async function since(sequence: number, ...operations: readonly string[]): Promise<string[]> {
  const requests = await bench.offload.mock.requests(sequence);
  return requests.flatMap(({ operation, key = '' }) => (operations.includes(operation) ? [`${operation} ${key}`] : []));
}

const signsSince = async (sequence: number) => (await since(sequence, 'sign')).length;
const measured = (): readonly Measurement[] => readResult(resultFile(out))?.measurements ?? [];

describe('a run against an HSM that is only an address and credentials', () => {
  test('makes a key, measures signatures and handshakes with it, deletes it, and writes the report', async () => {
    const before = await bench.offload.mock.sequence();
    expect(await run()).toBe(true);
    const made = await since(before, 'create', 'delete');
    expect(made).toEqual([
      expect.stringMatching(/^create bench-p-256-/),
      expect.stringMatching(/^delete bench-p-256-/),
    ]);
    expect(made[1]?.slice('delete '.length)).toBe(made[0]?.slice('create '.length));
    expect(measured().map(({ point }) => [point.load, point.hsm])).toEqual([
      ['signs', 'real'],
      ['handshakes', 'real'],
    ]);
    for (const { perSecond, failures, bound } of measured()) {
      expect([perSecond > 0, failures, bound.by === 'unknown']).toEqual([true, 0, false]);
    }
    expect(readFileSync(join(out, 'result.md'), 'utf8')).toContain('a real Managed HSM');
    expect(existsSync(join(out, 'result.html'))).toBe(true);
  });

  test('uses a key that is there already, by the credential of the configuration, and leaves it', async () => {
    const { name } = await bench.offload.createKey('--RSA', '2K', '--label', 'there');
    vi.unstubAllEnvs();
    const { clientId, clientSecret } = bench.offload.mock.keyGeneration;
    bench.offload.writeConfiguration({ token: { credential: { clientId, clientSecret } } });
    const before = await bench.offload.mock.sequence();
    expect(await run({ keyName: name, filter: { workers: ['1'], load: ['handshakes'] } })).toBe(true);
    bench.offload.writeConfiguration();
    expect(measured().map(({ point, failures }) => [point.keyType, failures])).toEqual([['RSA-2048', 0]]);
    expect(await since(before, 'create', 'import', 'delete')).toEqual([]);
    expect(new Set(await since(before, 'sign'))).toEqual(new Set([`sign ${name}`]));
  });

  test('a key that shares its label with another is refused, and no signature is made by either', async () => {
    const { name } = await bench.offload.createKey('--RSA', '2K', '--label', 'twin');
    const other = await bench.offload.createKey('--RSA', '2K', '--label', 'twin');
    const before = await bench.offload.mock.sequence();
    await expect(run({ keyName: name })).rejects.toThrow(`${other.name} is called twin too`);
    expect(await since(before, 'sign', 'create', 'delete')).toEqual([]);
  });

  test('asks for no more signatures than it may, and says so', async () => {
    const before = await bench.offload.mock.sequence();
    // Enough for the certificate and the first load alone.
    expect(await run({ maxSignatures: '1300', filter: { workers: ['32'], load: ['signs'] } })).toBe(false);
    expect(await signsSince(before)).toBeLessThanOrEqual(1300);
    expect(await signsSince(before)).toBeGreaterThan(1);
    expect(said.join('\n')).toMatch(/stopped: \d+ of 1300 signatures were asked for/);
    expect((await since(before, 'create')).length).toBe((await since(before, 'delete')).length);
  });
});

test('a program that ends at once names the keys that it leaves, and else deletes them alone', async () => {
  const { name: foreign } = await bench.offload.createKey('--EC', 'P-256', '--label', 'foreign');
  const { url } = bench.offload.mock;
  const configured = configuredHsm(url, bench.offload.configurationFile, process.env);
  const say = (line: string) => said.push(line);
  const before = await bench.offload.mock.sequence();
  const hsm = await RealBenchHsm.open({ configured, budget: new Budget(1), keyName: undefined, say });
  const { label } = await hsm.key('P-256', out);
  process.listeners('exit').at(-1)?.(0);
  expect(said.at(-1)).toBe(`not deleted in ${url}: ${label}`);
  await hsm.stop();
  expect(await since(before, 'delete')).toEqual([`delete ${label}`]);
  expect(label).not.toBe(foreign);
});

describe('before anybody agreed', () => {
  test.each([
    ['nobody can be asked', {}, /run it in a terminal, or add --yes/],
    ['the address is of no token', { hsm: 'https://other.managedhsm.azure.net' }, /has no token for https:\/\/other/],
    ['the limit is no number', { maxSignatures: 'many' }, /--max-signatures is many/],
    ['a key is named and a type too', { keyName: 'web', keyTypes: ['P-256'] }, /--key says which keys to make/],
    ['no point is left', { filter: { workers: ['7'] } }, /no point of a run against a real HSM/],
  ] as const)('%s: the HSM is asked for nothing', async (_why, changes, message) => {
    const before = await bench.offload.mock.sequence();
    await expect(run(changes, false)).rejects.toThrow(message);
    expect(await bench.offload.mock.requests(before)).toEqual([]);
  });

  test('an unfinished result is there: the HSM is asked for nothing, and the result stays', async () => {
    const unfinished = { ...madeUpResult(['P-256']), hsm: 'real' as const, finishedAt: null };
    writeResult(resultFile(out), unfinished);
    const before = await bench.offload.mock.sequence();
    await expect(run()).rejects.toThrow(/give another --out, or remove it/);
    expect(await bench.offload.mock.requests(before)).toEqual([]);
    expect(readResult(resultFile(out))).toEqual(unfinished);
  });

  test('nobody is named: it is said how to name somebody', async () => {
    vi.unstubAllEnvs();
    await expect(run()).rejects.toThrow(/set MHSM_CLIENT_ID and MHSM_CLIENT_SECRET, or give its token .* a credential/);
    vi.stubEnv('MHSM_CLIENT_ID', 'half');
    await expect(run()).rejects.toThrow('MHSM_CLIENT_SECRET is not set');
  });
});
