import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ServiceError } from '../service-error.ts';
import { openRecords, type Records } from '../store/records.ts';
import { createSeal } from '../store/seal.ts';
import type { CryptoJob } from './crypto-job.ts';
import { CryptoPool, CryptoWorkerError } from './crypto-pool.ts';
import { KeyRing } from './key-ring.ts';
import { KeyService } from './key-service.ts';

const nowS = () => 1_800_000_000;
const decrypt: CryptoJob = { operation: 'decrypt', algorithm: 'RSA-OAEP', value: Buffer.alloc(384) };

let records: Records;
let crypto: CryptoPool;
let keys: KeyService;
/** Ids of versions, each time the secret is decrypted. */
let opened: string[];

beforeEach(() => {
  records = openRecords(':memory:');
  crypto = new CryptoPool(1);
  opened = [];
  keys = open(1);
});

afterEach(() => crypto.close());

/** The same store, read with the master key of such bytes. */
function open(byte: number): KeyService {
  const pool = { retentionDays: 90, purgeProtection: false };
  const seal = createSeal(Buffer.alloc(32, byte));
  const counting = {
    ...seal,
    open(sealed: string, context: string) {
      opened.push(context);
      return seal.open(sealed, context);
    },
  };
  return new KeyService(new KeyRing(records, nowS), pool, counting, crypto, nowS);
}

/** What a call is refused with. */
const refusalOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a ciphertext that does not decrypt is the caller's fault", async () => {
  const key = await keys.create('k', { kty: 'RSA-HSM', key_size: 3072 });
  expect(await refusalOf(keys.use(key, 'decrypt', decrypt))).toMatchObject({ status: 400, code: 'BadParameter' });
});

test.each(['decrypt', 'sign'] as const)(
  "a key that the store cannot open is not the caller's, in %s",
  async (operation) => {
    await keys.create('k', { kty: 'RSA-HSM' });
    const broken = open(2);
    const job = { ...decrypt, operation, algorithm: operation === 'sign' ? 'RS256' : 'RSA-OAEP' };
    const error = await refusalOf(broken.use(broken.ring.version('k'), operation, job));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ServiceError);
  },
);

test("a worker that ends while it decrypts is not the caller's", async () => {
  const key = await keys.create('k', { kty: 'RSA-HSM', key_size: 3072 });
  const refusal = refusalOf(keys.use(key, 'decrypt', decrypt));
  await crypto.close();
  expect(await refusal).toBeInstanceOf(CryptoWorkerError);
});

describe('the material of a key', () => {
  const sign: CryptoJob = { operation: 'sign', algorithm: 'ES256', value: Buffer.alloc(32) };
  const create = (name: string) => keys.create(name, { kty: 'EC-HSM' });

  test('is opened once', async () => {
    const key = await create('k');
    for (let i = 0; i < 3; i += 1) await keys.use(key, 'sign', sign);
    expect(opened).toEqual([key.version]);
  });

  test('is dropped when the key is purged', async () => {
    const key = await create('k');
    await keys.use(key, 'sign', sign);
    keys.delete('k');
    keys.purge('k');
    await keys.use(key, 'sign', sign);
    expect(opened).toEqual([key.version, key.version]);
  });

  test('is dropped when 500 others were used since', async () => {
    const key = await create('k');
    await keys.use(key, 'sign', sign);
    for (let i = 0; i < 500; i += 1) await keys.use(await create(`other-${i}`), 'sign', sign);
    await keys.use(key, 'sign', sign);
    expect(opened.filter((version) => version === key.version)).toHaveLength(2);
  });
});

test.each([
  [3, 'Aw'],
  [65_537, 'AQAB'],
])('a rotated RSA key keeps its public exponent %i', async (public_exponent, e) => {
  await keys.create('k', { kty: 'RSA-HSM', public_exponent });
  expect((await keys.rotate('k')).material.e).toBe(e);
});
