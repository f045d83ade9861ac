import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, Offload } from '../../demo/offload.ts';
import { mustRun } from '../../demo/process.ts';
import { type Signed, SigningClient } from '../../demo/signing-client.ts';

// mhsm-p11 metrics while more is asked for than one connection carries, against what callers and the HSM saw.

const CLIENTS = 4;
const LABEL = 'web';
const MAX_CONNECTIONS = 1;
const REFUSED = 3;

let folder: string;
let offload: Offload;
let clients: SigningClient[];
let keyName: string;
let total: Signed;
/** The metrics while the clients signed, and after it. */
let during: Map<string, number>[];
let after: Map<string, number>;
let signsOfHsm: number;

/** Sample by name and labels, without the prefix. */
async function metrics(): Promise<Map<string, number>> {
  const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: offload.configurationFile };
  const { stdout } = await mustRun(join(BIN, 'mhsm-p11'), ['metrics'], { env });
  const samples = stdout.matchAll(/^mhsm_pkcs11_(\S+?)(\{.*\})? (\S+)$/gm);
  return new Map([...samples].map(([, name, labels = '', value]) => [`${name}${labels}`, Number(value)]));
}

const slot = (name: string): string => `${name}{slot="0"}`;

/** The sum of all samples of a name whose labels hold all of these. */
function sumOf(samples: Map<string, number>, name: string, ...labels: readonly string[]): number {
  const chosen = [...samples].filter(
    ([of]) => of.startsWith(`${name}{`) && labels.every((label) => of.includes(label)),
  );
  return chosen.reduce((sum, [, value]) => sum + value, 0);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-metrics-'));
  chmodSync(folder, 0o711);
  offload = await Offload.start(folder, {
    top: { ConnectionCache: { MaxConnections: MAX_CONNECTIONS }, cache: { keyListSeconds: 3600 } },
  });
  await offload.grantReading();
  const key = await offload.createKey('--EC', 'P-256', '--label', LABEL);
  keyName = key.name;
  await offload.grantUse(key);
  const { configurationFile, pin } = offload;
  clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => SigningClient.start({ configurationFile, pin, label: LABEL })),
  );
  await offload.mock.control('POST', 'faults', { operation: 'sign', status: 403, times: REFUSED });
  await offload.mock.control('POST', 'faults', { operation: 'sign', delayMs: 20, times: 100_000 });
  const before = await offload.mock.sequence();
  during = [];
  const load = async () => {
    for (let i = 0; i < 3; i++) during.push(await metrics());
  };
  const measuring = load();
  const signed = await Promise.all(clients.map((client) => client.signDuring(() => measuring)));
  total = {
    made: signed.reduce((sum, { made }) => sum + made, 0),
    failures: signed.flatMap(({ failures }) => failures),
  };
  after = await metrics();
  const requests = await offload.mock.requests(before);
  signsOfHsm = requests.filter(({ operation, status }) => operation === 'sign' && status === 200).length;
});

afterAll(async () => {
  for (const client of clients ?? []) await client.stop();
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('signatures are counted by key and outcome as callers and HSM count them', () => {
  const ofKey = `key="${keyName}"`;
  expect(total.failures).toHaveLength(REFUSED);
  expect(total.made).toBe(signsOfHsm);
  expect(sumOf(after, 'signatures_total', ofKey, 'outcome="CKR_OK"')).toBe(signsOfHsm);
  expect(sumOf(after, 'signatures_total', ofKey)).toBe(signsOfHsm + REFUSED);
  expect(sumOf(after, 'calls_total', 'function="C_Sign"', 'code="CKR_OK"')).toBe(signsOfHsm);
  expect(after.get('hsm_requests_total{slot="0",outcome="403"}')).toBe(REFUSED);
});

test('the histogram has each signature, in buckets that grow, and their time', () => {
  const buckets = [...after].filter(([name]) => name.startsWith('signature_duration_seconds_bucket'));
  const counts = buckets.map(([, count]) => count);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(counts.at(-1)).toBe(signsOfHsm + REFUSED);
  expect(after.get(slot('signature_duration_seconds_count'))).toBe(signsOfHsm + REFUSED);
  // Each of the HSM's answers was held back for 20 ms.
  expect(after.get(slot('signature_duration_seconds_sum'))).toBeGreaterThan(0.02 * signsOfHsm);
});

test('connections, the queue before them and the clients are those of the moment', () => {
  expect(during.map((samples) => samples.get('clients'))).toEqual(during.map(() => CLIENTS));
  expect(during.map((samples) => samples.get('sessions'))).toEqual(during.map(() => CLIENTS));
  for (const samples of during) {
    expect(samples.get(slot('hsm_connections_max'))).toBe(MAX_CONNECTIONS);
    expect(samples.get(slot('hsm_connections'))).toBeLessThanOrEqual(MAX_CONNECTIONS);
    expect(samples.get(slot('hsm_connections_busy'))).toBeLessThanOrEqual(MAX_CONNECTIONS);
    expect(samples.get(slot('queue_length'))).toBeLessThan(CLIENTS);
  }
  expect(Math.max(...during.map((samples) => samples.get(slot('queue_length')) ?? 0))).toBeGreaterThan(0);
  expect(after.get(slot('queue_length'))).toBe(0);
  expect(after.get(slot('queue_wait_seconds_sum'))).toBeGreaterThan(0);
});

test('the ages of token and key list are there, and grow', () => {
  const [first = new Map<string, number>()] = during;
  for (const age of ['token_age_seconds', 'key_list_age_seconds']) {
    expect(sumOf(after, age, 'slot="0"')).toBeGreaterThan(sumOf(first, age, 'slot="0"'));
  }
  const lifetime = (samples: Map<string, number>) =>
    sumOf(samples, 'token_age_seconds') + sumOf(samples, 'token_left_seconds');
  expect(lifetime(after)).toBeCloseTo(lifetime(first), 0);
  expect(sumOf(after, 'keys')).toBe(1);
});
