import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid, kill } from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Offload } from '../../demo/offload.ts';
import { waitFor } from '../../demo/process.ts';
import { SigningClient } from '../../demo/signing-client.ts';
import { ask } from '../../lib/agent/ask.ts';
import { agentPlaces } from '../../lib/agent/location.ts';
import type { AgentStatus } from '../../lib/agent/status.ts';
import { CKA_CLASS, CKA_LABEL, CKM_ECDSA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from '../../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../../lib/tags/values.ts';
import { BUILD, Driver, masked } from '../../native/test/driver.ts';

const UPGRADES = 5;
const LABEL = 'web';
const THREADS = 16;

let folder: string;
let offload: Offload;
let clients: SigningClient[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-upgrade-'));
  chmodSync(folder, 0o711);
  // What waits for the next agent shall not fail for the time that a busy host takes to start one.
  offload = await Offload.start(folder, { top: { timeouts: { requestMs: 60_000, slowRequestMs: 60_000 } } });
  await offload.grantReading();
  await offload.grantUse(await offload.createKey('--EC', 'P-256', '--label', LABEL));
  const options = { configurationFile: offload.configurationFile, pin: offload.pin, label: LABEL };
  clients = await Promise.all([1, 2, 3].map(() => SigningClient.start(options)));
});

afterAll(async () => {
  for (const client of clients ?? []) await client.stop();
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The agent that says how it is. */
async function answers(): Promise<number | undefined> {
  const [place] = agentPlaces(offload.configurationFile, {}, getuid?.() ?? -1).slice(-1);
  const asked = await ask(place?.socket ?? '', '/status');
  return asked.outcome === 'answered' ? (JSON.parse(asked.text) as AgentStatus).pid : undefined;
}

/** Replaces the agent as `how` does, until another one is alone. */
async function replace(how: (agent: number) => Promise<void>): Promise<void> {
  const [before] = await offload.agents();
  if (before === undefined) throw new Error('no agent runs');
  await how(before);
  await waitFor('another agent, alone', async () => {
    const now = await offload.agents();
    return now.length === 1 && now[0] !== before && (await answers()) === now[0] ? true : undefined;
  });
}

async function signDuring(how: (agent: number) => Promise<void>): Promise<{ made: number; failures: string[] }> {
  let work: Promise<void> | undefined;
  const replaceOften = async () => {
    for (let i = 0; i < UPGRADES; i++) await replace(how);
  };
  const all = await Promise.all(
    clients.map((client) =>
      client.signDuring(() => {
        work ??= replaceOften();
        return work;
      }),
    ),
  );
  return { made: all.reduce((sum, { made }) => sum + made, 0), failures: all.flatMap(({ failures }) => failures) };
}

test('SIGHUP replaces the agent by what is installed now, and no signature fails', async () => {
  const { made, failures } = await signDuring(async (agent) => void kill(agent, 'SIGHUP'));
  expect(failures).toEqual([]);
  // Enough that each replacement met some.
  expect(made).toBeGreaterThan(UPGRADES);
});

test('SIGHUP to the launcher does the same', async () => {
  const [launcher] = await offload.agents('launcher');
  const { failures } = await signDuring(async () => void kill(launcher ?? -1, 'SIGHUP'));
  expect(failures).toEqual([]);
});

test('SIGTERM ends an agent between two operations: the next caller starts another', async () => {
  const { failures } = await signDuring(async (agent) => void kill(agent, 'SIGTERM'));
  expect(failures).toEqual([]);
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function find(driver: Driver, objectClass: number): Promise<string> {
  const template = `${CKA_CLASS}=${hex(ofUlong(objectClass))} ${CKA_LABEL}=${hex(ofText(LABEL))}`;
  expect(await driver.run(`findinit 1 ${template}`)).toBe('0');
  const [rv, count, handle = ''] = (await driver.run('find 1 2')).split(' ');
  expect([rv, count]).toEqual(['0', '1']);
  await driver.run('findfinal 1');
  return handle;
}

async function loggedIn(): Promise<Driver> {
  const driver = await Driver.load(BUILD, { MHSM_PKCS11_CONF: offload.configurationFile });
  expect(await driver.run('init 2')).toBe('0');
  expect(await driver.run('open 0 4')).toBe('0 1');
  expect(await driver.run(`login 1 1 ${masked(offload.pin)}`)).toBe('0');
  return driver;
}

/** A process whose threads sign without a pause, each signature verified. */
async function threads(): Promise<Driver> {
  const driver = await loggedIn();
  const keys = [await find(driver, CKO_PRIVATE_KEY), await find(driver, CKO_PUBLIC_KEY)];
  expect(await driver.run(`threads-begin ${THREADS} 0 ${keys.join(' ')}`)).toBe('begun');
  return driver;
}

test.each(['SIGHUP', 'SIGTERM'] as const)(
  '%s costs a process that signs in many threads no signature',
  async (signal) => {
    const driver = await threads();
    try {
      for (let i = 0; i < UPGRADES; i++) await replace(async (agent) => void kill(agent, signal));
      const [right, , wrong] = (await driver.run('threads-end')).split(' ');
      expect(wrong, driver.stderr).toBe('0');
      expect(Number(right)).toBeGreaterThan(THREADS);
    } finally {
      await driver.end();
    }
  },
);

const SESSIONS = Array.from({ length: 200 }, (_, index) => index + 1);

test('of a process with more open operations than connections each one ends where it began', async () => {
  const driver = await loggedIn();
  try {
    const key = await find(driver, CKO_PRIVATE_KEY);
    for (const session of SESSIONS) {
      if (session > 1) expect(await driver.run('open 0 4')).toBe(`0 ${session}`);
      expect(await driver.run(`signinit ${session} ${CKM_ECDSA} ${key}`)).toBe('0');
    }
    await replace(async (agent) => {
      kill(agent, 'SIGHUP');
      await waitFor('a successor', async () => ((await answers()) === agent ? undefined : true));
      for (const session of SESSIONS)
        expect(await driver.run(`sign ${session} ${'5a'.repeat(32)} buffer 64`)).toMatch(/^0 64 /);
    });
  } finally {
    await driver.end();
  }
});
