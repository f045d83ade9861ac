import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EC_LABEL, Offload } from '../../demo/offload.ts';
import { CKA_CLASS, CKA_LABEL, CKM_ECDSA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from '../../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../../lib/tags/values.ts';
import { Driver, masked, VARIANTS } from '../test/driver.ts';

const THREADS = 64;
const ROUNDS = 25;

/** 64 are kept for other things than connections, 20 for the HSM; of the rest a user has half. */
const DESCRIPTORS = 128;
const SESSIONS = Array.from({ length: 60 }, (_, index) => index + 1);

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

/** A driver whose agent, which it starts, has so few descriptors that it takes some twenty connections of a user. */
async function besideSmallAgent(build: string): Promise<Driver> {
  const program = join(folder, `driver-${basename(build)}.sh`);
  const driver = join(build, 'test/driver/driver');
  writeFileSync(program, `#!/bin/sh\nulimit -n ${DESCRIPTORS}\nexec ${driver}\n`, { mode: 0o755 });
  const environment = { MHSM_PKCS11_CONF: offload.configurationFile };
  const started = new Driver(build, environment, undefined, { program });
  expect(await started.run(`load ${started.module}`)).toBe('0');
  return started;
}

describe.each(VARIANTS)('an agent with few descriptors, $name', ({ build }) => {
  test('signs for many sessions that have begun to sign', async () => {
    await offload.untilIdle();
    const driver = await besideSmallAgent(build);
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 0 4')).toBe('0 1');
    expect(await driver.run(`login 1 1 ${masked(offload.pin)}`)).toBe('0');
    const key = await find(driver, CKO_PRIVATE_KEY);
    for (const session of SESSIONS) {
      if (session > 1) expect(await driver.run('open 0 4')).toBe(`0 ${session}`);
      expect(await driver.run(`signinit ${session} ${CKM_ECDSA} ${key}`), driver.stderr).toBe('0');
    }
    for (const session of SESSIONS)
      expect(await driver.run(`sign ${session} ${'5a'.repeat(32)} buffer 64`), driver.stderr).toMatch(/^0 64 /);
    await driver.run('final');
    expect(await driver.end(), driver.stderr).toBe(0);
  });
});

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
