import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EC_LABEL, Offload } from '../../demo/offload.ts';
import { CKA_CLASS, CKA_LABEL, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from '../../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../../lib/tags/values.ts';
import { Driver, masked, VARIANTS } from '../test/driver.ts';

const THREADS = 64;
const ROUNDS = 25;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

let folder: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-threads-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  await offload.grantUse(await offload.createKey('--EC', 'P-256', '--label', EC_LABEL));
});

afterAll(async () => {
  await offload.stop();
  rmSync(folder, { recursive: true });
});

async function find(driver: Driver, objectClass: number): Promise<string> {
  const template = `${CKA_CLASS}=${hex(ofUlong(objectClass))} ${CKA_LABEL}=${hex(ofText(EC_LABEL))}`;
  expect(await driver.run(`findinit 1 ${template}`)).toBe('0');
  const [rv, count, handle = ''] = (await driver.run('find 1 2')).split(' ');
  expect([rv, count]).toEqual(['0', '1']);
  await driver.run('findfinal 1');
  return handle;
}

describe.each(VARIANTS)('threads before agent and HSM, $name', ({ build }) => {
  test('each of 64 threads gets signatures of its own data, and the HSM signs once for each', async () => {
    const driver = await Driver.load(build, { MHSM_PKCS11_CONF: offload.configurationFile });
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 0 4')).toBe('0 1');
    expect(await driver.run(`login 1 1 ${masked(offload.pin)}`)).toBe('0');
    const [privateKey, publicKey] = [await find(driver, CKO_PRIVATE_KEY), await find(driver, CKO_PUBLIC_KEY)];
    const before = await offload.mock.sequence();
    expect(await driver.run(`threads-verified ${THREADS} ${ROUNDS} 0 ${privateKey} ${publicKey}`)).toBe('0 wrong');
    const signs = (await offload.mock.requests(before)).filter(({ operation }) => operation === 'sign');
    expect(signs).toHaveLength(THREADS * ROUNDS);
    expect(new Set(signs.map(({ connection }) => connection)).size).toBeLessThanOrEqual(20);
    await driver.run('final');
    expect(await driver.end(), driver.stderr).toBe(0);
  });
});
