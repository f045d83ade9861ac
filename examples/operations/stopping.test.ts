import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
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

const LABEL = 'web';
const REQUEST_MS = 12_000;
/** Of one request to the HSM. */
const LONG_MS = 9000;

let folder: string;
let offload: Offload;
const clients: SigningClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-stop-'));
  chmodSync(folder, 0o711);
  offload = await Offload.start(folder, { top: { timeouts: { requestMs: REQUEST_MS, slowRequestMs: 60_000 } } });
  await offload.grantReading();
  await createKey(LABEL);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop();
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
