import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CALLS } from '../../lib/wire/schema.ts';
import { Driver, VARIANTS } from '../test/driver.ts';
import { FakeAgent, ok } from '../test/fake-agent.ts';

const DEVICE_ERROR = '30';
const SIGN = 'sign 1 aabb buffer 9';

let folder: string;
let agent: FakeAgent;
let driver: Driver;

test('no call that every handshake makes has the longer deadline', () => {
  for (const call of ['signInit', 'sign', 'decryptInit', 'decrypt'] as const)
    expect(CALLS[call]).not.toHaveProperty('slow');
});

describe.each(VARIANTS)('an agent that stands still, $name', ({ build }) => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-silence-'));
    agent = new FakeAgent(join(folder, 'socket'));
    agent.on('hello', (_fields, peer) => ok<'hello'>({ ...agent.hello(peer), deadlineMs: 500 }));
    await agent.start();
    driver = await Driver.load(build, {
      MHSM_PKCS11_SOCKET: agent.path,
      MHSM_PKCS11_CONF: join(folder, 'mhsm-pkcs11.conf'),
    });
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 3 4')).toBe('0 1');
    expect(await driver.run(SIGN)).toBe('0 2 aabb');
    agent.take();
  });

  afterEach(async () => {
    expect(await driver.end(), driver.stderr).toBe(0);
    await agent.stop();
    rmSync(folder, { recursive: true });
  });

  function standStill(): void {
    agent.on('sign', () => undefined);
    agent.on('hello', () => undefined);
  }

  test('gets one call, and then a hello a second, while all other calls fail without it', async () => {
    standStill();
    const beganMs = performance.now();
    for (let i = 0; i < 20; i++) expect(await driver.run(SIGN)).toBe(`${DEVICE_ERROR} 9 `);
    const seconds = Math.ceil((performance.now() - beganMs) / 1000);
    const [first, ...others] = agent.take();
    expect(first).toBe('sign');
    expect(new Set(others)).toEqual(new Set(['hello']));
    expect(others.length).toBeLessThanOrEqual(seconds);
    expect(driver.stderr).toBe('mhsm-pkcs11: C_Sign: the agent gave no answer within 0.5 s\n');
  });

  test('is used again as soon as it answers a hello', async () => {
    standStill();
    expect(await driver.run(SIGN)).toBe(`${DEVICE_ERROR} 9 `);
    agent.off('sign');
    agent.off('hello');
    expect(await driver.run(SIGN)).toBe('0 2 aabb');
    // Its session was on a connection that is given up.
    expect(agent.take()).toEqual(['sign', 'hello', 'openSession', 'sign']);
  });

  test('and is gone later is not taken for silent: its successor serves the next call', async () => {
    standStill();
    expect(await driver.run(SIGN)).toBe(`${DEVICE_ERROR} 9 `);
    await agent.stop();
    expect(await driver.run(SIGN)).toBe(`${DEVICE_ERROR} 9 `);
    agent.off('sign');
    agent.off('hello');
    await agent.start();
    expect(await driver.run(SIGN)).toBe('0 2 aabb');
  });
});
