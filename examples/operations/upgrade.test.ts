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

const UPGRADES = 5;
const LABEL = 'web';

let folder: string;
let offload: Offload;
let clients: SigningClient[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-upgrade-'));
  chmodSync(folder, 0o711);
  offload = await Offload.start(folder);
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
  expect(made).toBeGreaterThan(100);
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
