import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import type { CryptoJob } from './crypto-job.ts';
import { CryptoPool, CryptoWorkerError, type ForgetMessage, type JobMessage, type LoadedKey } from './crypto-pool.ts';

const message = Buffer.from('to be signed');
const job: CryptoJob = { operation: 'sign', algorithm: 'RS256', value: createHash('sha256').update(message).digest() };

function newKey(modulusLength: number) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
  const loaded: LoadedKey = { id: String(modulusLength), key: privateKey };
  return { loaded, publicKey };
}

const short = newKey(2048);
const long = newKey(3072);

let pool = new CryptoPool(0);
afterEach(() => pool.close());

test('a short job that comes alone needs no worker', async () => {
  pool = new CryptoPool(0);
  for (let i = 0; i < 2; i += 1) {
    const { value } = await pool.run(job, short.loaded);
    expect(verify('sha256', message, short.publicKey, value ?? Buffer.alloc(0))).toBe(true);
  }
});

test('jobs that come together, and long ones, are done by workers, each with its own key', async () => {
  pool = new CryptoPool(2);
  const keys = [short, long, short, short, long];
  const results = await Promise.all(keys.map(({ loaded }) => pool.run(job, loaded)));
  for (const [i, { value }] of results.entries()) {
    expect(verify('sha256', message, keys[i]?.publicKey ?? '', value ?? Buffer.alloc(0))).toBe(true);
  }
});

test.each([
  ['before', async () => {}],
  ['after', () => new Promise<void>((resolve) => setImmediate(resolve))],
])('a pool that closes %s its jobs found their workers rejects them', async (_when, moment) => {
  pool = new CryptoPool(1);
  const waiting = Promise.allSettled([pool.run(job, short.loaded), pool.run(job, long.loaded)]);
  await moment();
  await pool.close();
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('a worker that ends rejects its jobs, and another takes its place', async () => {
  const workers: Worker[] = [];
  const note = (worker: Worker) => workers.push(worker);
  process.on('worker', note);
  pool = new CryptoPool(2);
  const both = () => Promise.allSettled([pool.run(job, long.loaded), pool.run(job, long.loaded)]);
  await both();
  const jobs = both();
  // Both have found their workers by then.
  await new Promise<void>((resolve) => setImmediate(resolve));
  await workers[0]?.terminate();
  const ended = (await jobs).flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  for (const reason of ended) expect(reason).toBeInstanceOf(CryptoWorkerError);
  expect(workers).toHaveLength(2);
  expect((await both()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  expect(workers).toHaveLength(3);
  process.off('worker', note);
});

test('a forgotten key goes from the memory of its worker, and comes back with its next job', async () => {
  const sent: unknown[] = [];
  process.once('worker', (worker: Worker) => {
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (message: JobMessage | ForgetMessage) => {
      sent.push('forget' in message ? message : { keyIsSent: message.key !== undefined });
      post(message);
    };
  });
  pool = new CryptoPool(1);
  // A worker is announced after it got its first job.
  await pool.run(job, { ...long.loaded, id: 'another' });
  await pool.run(job, long.loaded);
  await pool.run(job, long.loaded);
  pool.forget(long.loaded.id);
  pool.forget(long.loaded.id);
  await pool.run(job, long.loaded);
  expect(sent).toEqual([{ keyIsSent: true }, { keyIsSent: false }, { forget: long.loaded.id }, { keyIsSent: true }]);
});
