import { runProgram, waitFor } from '../demo/process.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../demo/tested-module.ts';
import { connectionsOf } from './connections.ts';
import type { Fault, Form, Struck } from './fault.ts';
import type { Scene } from './scene.ts';

const WORKERS = 2;
const END_WITH_WORKER = 'end with their worker';

async function killAgent({ offload }: Scene): Promise<Struck> {
  const before = await offload.agents();
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await waitFor('the next agent', async () =>
    (await offload.agents()).some((pid) => !before.includes(pid)) ? true : undefined,
  );
  return {};
}

/** Another worker takes its place. */
export async function killWorker({ nginx }: Scene): Promise<Struck> {
  const [victim = 0, ...others] = await nginx.workers();
  // So that it takes no other connection while they are counted.
  process.kill(victim, 'SIGSTOP');
  const cut = connectionsOf(victim, nginx.setting.port);
  process.kill(victim, 'SIGKILL');
  await waitFor('the next worker', async () => ((await nginx.workers()).length > others.length ? true : undefined));
  return { cut };
}

async function stopAgent({ offload }: Scene): Promise<Struck> {
  const agents = await offload.agents();
  for (const pid of agents) process.kill(pid, 'SIGSTOP');
  const end = async () => {
    for (const pid of agents) process.kill(pid, 'SIGCONT');
  };
  return { end };
}

/** As for an upgrade: resolves when a new agent is the only one. */
export async function renewAgent({ offload }: Scene): Promise<void> {
  const before = await offload.agents();
  for (const pid of before) process.kill(pid, 'SIGHUP');
  await waitFor('the renewed agent', async () => {
    const [now, ...others] = await offload.agents();
    return now !== undefined && others.length === 0 && !before.includes(now) ? true : undefined;
  });
}

const BEFORE_ANSWERED_MS: Readonly<Record<Form, number>> = { whole: 20_000, short: 9500 };

/** Longer than a worker waits for a signature. Whether the HSM then lets the server's principal make a key does not matter. */
async function generateKey({ offload, clientSecret }: Scene, form: Form): Promise<{ answered: Promise<unknown> }> {
  const { mock, configurationFile } = offload;
  await mock.control('POST', 'faults', { operation: 'create', delayMs: BEFORE_ANSWERED_MS[form], times: 1 });
  const login = ['--module', MODULE, '--login', '--pin', 'env:PIN'];
  const answered = runProgram(
    'pkcs11-tool',
    [...login, '--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'new'],
    {
      env: {
        ...MODULE_ENVIRONMENT,
        PATH: process.env.PATH,
        MHSM_PKCS11_CONF: configurationFile,
        PIN: `${mock.offload.clientId}:${clientSecret}`,
      },
    },
  );
  await waitFor('a key that is made', async () =>
    ((await mock.control('GET', 'faults')) as unknown[]).length === 0 ? true : undefined,
  );
  return { answered };
}

async function endAgentThatMakesKey(scene: Scene, form: Form): Promise<Struck> {
  const before = await scene.offload.agents();
  const { answered } = await generateKey(scene, form);
  for (const pid of before) process.kill(pid, 'SIGTERM');
  await answered;
  await waitFor('the next agent', async () => {
    const now = await scene.offload.agents();
    return now.length === 1 && !before.includes(now[0] ?? 0) ? true : undefined;
  });
  return {};
}

/** Processes of the product and of the server that die, are replaced or stand still. */
export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'agent killed',
    what: 'kill -9 of the agent',
    times: 50,
    strike: killAgent,
    // A worker makes one signature at a time; the others wait for the next agent.
    bound: { failed: { eachTime: WORKERS }, wait: 'deadline', established: 'go on' },
    log: /^agent \d+ serves /,
  },
  {
    name: 'agent renewed',
    what: 'SIGHUP to the agent',
    times: 10,
    strike: async (scene) => {
      await renewAgent(scene);
      return {};
    },
    bound: { failed: 'none', wait: 'moments', established: 'go on' },
    log: /^agent \d+ asks for a successor/,
  },
  {
    name: 'agent ended while it makes a key',
    what: 'SIGTERM to the agent while a key is generated, which takes longer than a signature may',
    times: 3,
    strike: endAgentThatMakesKey,
    bound: { failed: 'none', wait: 'moments', established: 'go on' },
    log: /^agent \d+ retires: /,
  },
  {
    name: 'worker killed',
    what: 'kill -9 of a worker',
    times: 10,
    strike: killWorker,
    // Those that the worker had accepted go with it, wherever they stood.
    bound: { failed: 'those it cut', wait: 'moments', established: END_WITH_WORKER },
    log: /worker process \d+ exited on signal 9/,
  },
  {
    name: 'server reloaded',
    what: 'nginx -s reload',
    times: 50,
    strike: async ({ nginx }) => {
      await nginx.reload();
      return {};
    },
    bound: { failed: 'none', wait: 'moments', established: END_WITH_WORKER },
    log: /signal 1 \(SIGHUP\) received.*reconfiguring/,
  },
  {
    name: 'agent stopped',
    what: 'SIGSTOP of the agent for 30 s',
    lastsMs: { whole: 30_000, short: 9500 },
    strike: stopAgent,
    bound: { failed: 'while it lasts', wait: 'deadline', established: 'go on' },
    log: /the agent gave no answer within/,
  },
];
