import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Workbench } from '../../demo/workbench.ts';
import { giveAdvice } from './command.ts';

let bench: Workbench;
let keyName: string;

beforeAll(async () => {
  bench = await Workbench.start('advise');
  keyName = (await bench.offload.createKey('--EC', 'P-384', '--label', 'advised')).name;
});

afterAll(() => bench?.stop());

const silent = () => undefined;

test.each([
  [{ workers: '8', keyType: 'P-256' }, /^--latency is missing: give the milliseconds/],
  [{ latency: '0', workers: '8', keyType: 'P-256' }, /^--latency is 0/],
  [{ latency: '5', keyType: 'P-256' }, /^--workers is missing: give the workers of all TLS servers/],
  [{ latency: '5', workers: '2.5', keyType: 'P-256' }, /^--workers is 2\.5/],
  [{ latency: '5', workers: '8', keyType: 'P-521' }, /^--key is P-521: give one of RSA-2048/],
  [{ workers: '8', config: '/nowhere.conf' }, /^--key-name is missing/],
])('%j is refused, with what to give', async (options, message) => {
  await expect(giveAdvice(options, silent)).rejects.toThrow(message);
});

/** What it takes to ask the HSM is in the environment. */
function nameUser(): void {
  const { clientId, clientSecret } = bench.offload.mock.keyGeneration;
  vi.stubEnv('MHSM_CLIENT_ID', clientId);
  vi.stubEnv('MHSM_CLIENT_SECRET', clientSecret);
  vi.stubEnv('MHSM_PKCS11_CONF', bench.offload.configurationFile);
}
afterEach(() => vi.unstubAllEnvs());

test('advice for what is given asks no HSM, also where one is configured', async () => {
  nameUser();
  const { mock } = bench.offload;
  const connections = () => mock.metric('mock_hsm_tls_connections_opened_total');
  const [before, opened] = [await mock.sequence(), await connections()];
  const text = await giveAdvice({ latency: '5ms', workers: '3', keyType: 'RSA-4096' }, silent);
  expect(text).toMatch(/^RSA-4096, 5\.00 ms a signature, 3 workers: set ConnectionCache\.MaxConnections to \d\n/);
  expect(await mock.requests(before)).toEqual([]);
  expect(await connections()).toBe(opened);
});

test('latency and key type come from the HSM where a configuration is given, by a few signatures', async () => {
  nameUser();
  const before = await bench.offload.mock.sequence();
  const lines: string[] = [];
  const options = { workers: '3', config: bench.offload.configurationFile, keyName };
  const text = await giveAdvice(options, (line) => lines.push(line));
  expect(text).toMatch(/^P-384, [\d.]+ ms a signature, 3 workers: /);
  const signs = (await bench.offload.mock.requests(before)).filter(({ operation }) => operation === 'sign');
  expect(lines).toEqual([`measuring with ${signs.length} signatures by key ${keyName}`]);
});
