import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid, kill } from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Offload } from '../../demo/offload.ts';
import { waitFor } from '../../demo/process.ts';
import { SigningClient } from '../../demo/signing-client.ts';
import { ask } from '../../lib/agent/ask.ts';
import { agentPlaces } from '../../lib/agent/location.ts';
import type { AgentStatus } from '../../lib/agent/status.ts';
import { CKA_CLASS, CKA_LABEL, CKM_ECDSA_SHA256, CKO_PRIVATE_KEY } from '../../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../../lib/tags/values.ts';
import { BUILD, Driver, masked } from '../../native/test/driver.ts';

const LABEL = 'web';
const REQUEST_MS = 14_000;
/** Of one request to the HSM: longer than a launcher waits for an agent that hangs. */
const LONG_MS = 11_500;
/** Longer than two signals may be one request. */
const WHILE_MS = 4000;

let folder: string;
let directory: string;
let offload: Offload;
const clients: SigningClient[] = [];
const drivers: Driver[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-stop-'));
  chmodSync(folder, 0o711);
  directory = join(folder, 'logs');
  offload = await Offload.start(folder);
  configure(REQUEST_MS);
  await offload.grantReading();
  await createKey(LABEL);
});

/** Counts for agents that start later. */
function configure(requestMs: number): void {
  const log = { directory, flags: { SendToFile: true } };
  offload.writeConfiguration({ top: { log, timeouts: { requestMs, slowRequestMs: 60_000 } } });
}

/** What agents wrote so far. */
function logged(): { msg: string; times?: number }[] {
  const text = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
  const lines = text.join('').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop();
  for (const driver of drivers.splice(0)) await driver.end();
  await offload.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function createKey(label: string): Promise<void> {
  await offload.grantUse(await offload.createKey('--EC', 'P-256', '--label', label));
}

async function startClient(label = LABEL): Promise<SigningClient> {
  const { configurationFile, pin } = offload;
  const client = await SigningClient.start({ configurationFile, pin, label });
  clients.push(client);
  return client;
}

/** The agent that says how it is. */
async function answers(): Promise<number | undefined> {
  const [place] = agentPlaces(offload.configurationFile, {}, getuid?.() ?? -1).slice(-1);
  const asked = await ask(place?.socket ?? '', '/status');
  return asked.outcome === 'answered' ? (JSON.parse(asked.text) as AgentStatus).pid : undefined;
}

/** A process that is logged in, in session 1. */
async function startDriver(): Promise<Driver> {
  const driver = await Driver.load(BUILD, { MHSM_PKCS11_CONF: offload.configurationFile });
  drivers.push(driver);
  expect(await driver.run('init 2')).toBe('0');
  expect(await driver.run('open 0 4')).toBe('0 1');
  expect(await driver.run(`login 1 1 ${masked(offload.pin)}`)).toBe('0');
  return driver;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const template = (label: string) => `${CKA_LABEL}=${hex(ofText(label))} ${CKA_CLASS}=${hex(ofUlong(CKO_PRIVATE_KEY))}`;

/** A listing that takes long; `isOver` once it was answered, by the agent that began it. */
async function listing(): Promise<{ result: Promise<string>; isOver: () => boolean }> {
  const driver = await startDriver();
  let over = false;
  const { result } = await underWay('list', LONG_MS, () => driver.run(`findinit 1 ${template('not there')}`));
  result.then(() => {
    over = true;
  });
  return { result, isOver: () => over };
}

async function onlyAgent(): Promise<number> {
  const [agent, ...others] = await offload.agents();
  if (agent === undefined || others.length > 0) throw new Error('not one agent');
  return agent;
}

/** It may just have ended. */
function tellToStop(pid: number): void {
  try {
    kill(pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const ended = (pid: number) =>
  waitFor(`the end of agent ${pid}`, async () => ((await offload.agents()).includes(pid) ? undefined : true));

/** Begins what `start` does, and waits until the mock has it, which answers `delayMs` later. */
async function underWay<T>(
  operation: string,
  delayMs: number,
  start: () => Promise<T>,
): Promise<{ result: Promise<T> }> {
  await offload.mock.control('POST', 'faults', { operation, delayMs, times: 1 });
  const result = start();
  await waitFor(`a ${operation} at the HSM`, async () => {
    const left = (await offload.mock.control('GET', 'faults')) as { operation: string }[];
    return left.some((fault) => fault.operation === operation) ? undefined : true;
  });
  return { result };
}

test('SIGTERM to the launcher waits for a signature of an agent that was replaced before', async () => {
  const signer = await startClient();
  const [launcher] = await offload.agents('launcher');
  const before = await answers();
  const { result } = await underWay('sign', LONG_MS, () => signer.sign(1));
  kill(launcher ?? -1, 'SIGHUP');
  await waitFor('the successor', async () => ((await answers()) === before ? undefined : true));
  expect(await offload.agents()).toContain(before);
  kill(launcher ?? -1, 'SIGTERM');
  expect(await result).toEqual({ made: 1, failures: [] });
});

test('SIGTERM to an agent that lists keys costs nobody anything: it serves on until the list is there', async () => {
  const signer = await startClient();
  const agent = await onlyAgent();
  const { result, isOver } = await listing();
  kill(agent, 'SIGTERM');
  expect(await signer.sign(3)).toEqual({ made: 3, failures: [] });
  const newcomer = await startClient();
  expect(await newcomer.sign(3)).toEqual({ made: 3, failures: [] });
  expect([isOver(), await onlyAgent()]).toEqual([false, agent]);
  expect(await result).toBe('0');
  await ended(agent);
  expect(await signer.sign(3)).toEqual({ made: 3, failures: [] });
});

test('SIGTERM to the launcher, too: who has a connection is served until the list is there', async () => {
  const signer = await startClient();
  const [launcher] = await offload.agents('launcher');
  const { result, isOver } = await listing();
  kill(launcher ?? -1, 'SIGTERM');
  expect(await signer.sign(3)).toEqual({ made: 3, failures: [] });
  expect(isOver()).toBe(false);
  expect(await result).toBe('0');
});

test('SIGTERM to agent and launcher at once, as a service manager does it, is one request to stop', async () => {
  const signer = await startClient();
  const [launcher] = await offload.agents('launcher');
  const agent = await onlyAgent();
  const { result } = await underWay('sign', WHILE_MS, () => signer.sign(1));
  kill(agent, 'SIGTERM');
  kill(launcher ?? -1, 'SIGTERM');
  expect(await result).toEqual({ made: 1, failures: [] });
});

test('an agent that is told twice ends at once, and says what it cuts', async () => {
  const signer = await startClient();
  const agent = await onlyAgent();
  const { result } = await underWay('sign', LONG_MS, () => signer.sign(1));
  await waitFor('its end', async () => {
    if (!(await offload.agents()).includes(agent)) return true;
    tellToStop(agent);
    return undefined;
  });
  expect((await result).failures).toEqual([expect.stringContaining('CKR_DEVICE_ERROR')]);
  expect(await signer.sign(1)).toEqual({ made: 1, failures: [] });
  expect(logged().map(({ msg }) => msg)).toContainEqual(
    expect.stringMatching(`^agent ${agent} ends and cuts sign of process ${signer.pid}`),
  );
});

test('what was counted of errors in the last second is in the log of an agent that has ended', async () => {
  const signer = await startClient();
  const agent = await onlyAgent();
  await offload.mock.control('POST', 'faults', { operation: 'sign', status: 403, times: 5 });
  expect((await signer.sign(5)).failures).toHaveLength(5);
  kill(agent, 'SIGTERM');
  await ended(agent);
  const errors = logged().filter(({ msg }) => msg.startsWith('sign: '));
  expect(errors.reduce((sum, { times = 1 }) => sum + times, 0)).toBe(5);
  // Another agent, whose end takes the launcher along: without one that looks for its callers half a minute later.
  expect(await signer.sign(1)).toMatchObject({ failures: [] });
});

/** A signature in parts. */
async function beginParts(driver: Driver): Promise<void> {
  expect(await driver.run(`findinit 1 ${template(LABEL)}`)).toBe('0');
  const [rv, count, key] = (await driver.run('find 1 2')).split(' ');
  expect([rv, count, await driver.run('findfinal 1')]).toEqual(['0', '1', '0']);
  expect(await driver.run(`signinit 1 ${CKM_ECDSA_SHA256} ${key}`)).toBe('0');
}

async function goOnWithParts(driver: Driver, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    expect(await driver.run('signupdate 1 100')).toBe('0');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('SIGTERM to an agent waits for no listing that begins long after it: the next agent makes it', async () => {
  const requestMs = 4000;
  configure(requestMs);
  const [parts, late] = [await startDriver(), await startDriver()];
  const agent = await onlyAgent();
  await beginParts(parts);
  kill(agent, 'SIGTERM');
  await goOnWithParts(parts, 1.2 * requestMs);
  const { result } = await underWay('list', 0.7 * requestMs, () => late.run(`findinit 1 ${template('not there')}`));
  expect(await parts.run('signfinal 1 64')).toMatch(/^0 64 /);
  expect(await result).toBe('0');
  await ended(agent);
  expect(logged().map(({ msg }) => msg)).toContainEqual(
    expect.stringMatching(`^agent ${agent} ends and cuts findObjectsInit of process \\d+$`),
  );
});

test('SIGHUP cuts no operation in parts that somebody goes on with, however long that takes', async () => {
  const requestMs = 2000;
  configure(requestMs);
  const driver = await startDriver();
  const before = await onlyAgent();
  await beginParts(driver);
  kill(before, 'SIGHUP');
  await waitFor('the successor', async () => ((await answers()) === before ? undefined : true));
  await goOnWithParts(driver, 2 * requestMs);
  expect(await driver.run('signfinal 1 64')).toMatch(/^0 64 /);
  await ended(before);
  // Nobody used the successor, which has ended by now; there is another one.
  expect(await driver.run(`findinit 1 ${template(LABEL)}`)).toBe('0');
});
