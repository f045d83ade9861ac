import { waitFor } from '../demo/process.ts';
import { connectionsOf } from './connections.ts';
import type { Fault, Struck } from './fault.ts';
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
