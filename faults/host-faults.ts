import { appendFileSync, existsSync, globSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, waitFor } from '../demo/process.ts';
import type { Fault, Struck } from './fault.ts';
import { LOG_BYTES } from './log-folder.ts';
import { noOwnMounts } from './mount-namespace.ts';
import type { Scene } from './scene.ts';

/** Of one handshake: the server tries a second time. */
const REFUSAL = { operation: 'sign', status: 403, times: 2 };

/** Sets the soft limit; the hard one stays, so that it can be taken back. As its own user: root needs a right for others. */
async function limitDescriptors(pid: number, most: string): Promise<void> {
  const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  await mustRun('prlimit', ['--pid', String(pid), `--nofile=${most}:`], { uid, gid: uid });
}

function softLimit(pid: number): string {
  return /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '1024';
}

/** As many as are open below the first gap: whatever is opened next would go there. */
function leaveNoDescriptor(pid: number): Promise<void> {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let gap = 0;
  while (open.has(gap)) gap++;
  return limitDescriptors(pid, String(gap));
}

/** No descriptor is left, and a worker is replaced: the next one cannot be let in. */
async function exhaustAgent({ offload, nginx }: Scene): Promise<Struck> {
  const agent = (await offload.agents()).at(-1) ?? 0;
  const before = softLimit(agent);
  const [victim = 0] = await nginx.workers();
  const open = readdirSync(`/proc/${agent}/fd`).length;
  // Its master must not replace it before the descriptors that it had at the agent are gone as well.
  const master = nginx.masterPid;
  process.kill(master, 'SIGSTOP');
  try {
    process.kill(victim, 'SIGKILL');
    await waitFor('the end of its connection', () =>
      readdirSync(`/proc/${agent}/fd`).length < open ? true : undefined,
    );
    await leaveNoDescriptor(agent);
  } finally {
    process.kill(master, 'SIGCONT');
  }
  return { end: () => limitDescriptors(agent, before) };
}

/** It can accept nobody: the other worker serves. */
async function exhaustWorker({ nginx }: Scene): Promise<Struck> {
  const [worker = 0] = await nginx.workers();
  const before = softLimit(worker);
  await leaveNoDescriptor(worker);
  return { end: () => limitDescriptors(worker, before) };
}

const PAGE_BYTES = 4096;

function writeUntilFull(file: string, data: Buffer | string): void {
  try {
    appendFileSync(file, data);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Of the file system of the log nothing is left. */
async function fillLog({ logFolder, offload }: Scene): Promise<Struck> {
  const filler = join(logFolder, 'filler');
  writeUntilFull(filler, Buffer.alloc(LOG_BYTES));
  // What is left of the last page of each log.
  for (const log of globSync('*.log', { cwd: logFolder }))
    writeUntilFull(join(logFolder, log), '\n'.repeat(PAGE_BYTES));
  // Something to write: why two handshakes fail.
  await offload.mock.control('POST', 'faults', REFUSAL);
  const end = async () => {
    rmSync(filler, { force: true });
    // Something to write again.
    await offload.mock.control('POST', 'faults', REFUSAL);
  };
  return { end };
}

/** The new master starts with the new program, takes the sockets over, and the old one goes. */
export async function upgradeServer({ nginx }: Scene): Promise<Struck> {
  const before = nginx.masterPid;
  process.kill(before, 'SIGUSR2');
  await waitFor('the new master', async () => {
    // The file is renamed before the new one is written.
    if (!existsSync(nginx.pidFile) || nginx.masterPid === before) return undefined;
    return (await nginx.workers()).length >= 2 ? true : undefined;
  });
  process.kill(before, 'SIGQUIT');
  return {};
}

/** What the host runs out of, and the server's own program. */
export const HOST_FAULTS: readonly Fault[] = [
  {
    name: 'binary upgrade',
    what: 'binary upgrade of nginx (USR2, then QUIT to the old master)',
    strike: upgradeServer,
    bound: { failed: 'none', wait: 'moments', established: 'end with their worker' },
    log: /changing binary/,
  },
  {
    name: 'descriptors exhausted',
    what: 'the agent has no descriptor left when a worker is replaced',
    missing: noOwnMounts,
    lastsMs: { whole: 15_000, short: 2000 },
    strike: exhaustAgent,
    // Who connects is turned away at once as long as the runtime can get its spare descriptor back.
    bound: { failed: 'while it lasts', wait: 'deadline', established: 'end with their worker' },
    log: /^no file descriptor is left /,
  },
  {
    name: 'descriptors of a worker exhausted',
    what: 'a worker of nginx has no descriptor left',
    missing: noOwnMounts,
    lastsMs: { whole: 10_000, short: 1500 },
    strike: exhaustWorker,
    bound: { failed: 'none', wait: 'moments', established: 'go on' },
    log: /accept4\(\) failed \(24: Too many open files\)/,
  },
  {
    name: 'disk full for the log',
    what: 'the file system of the log is full',
    missing: noOwnMounts,
    lastsMs: { whole: 10_000, short: 1000 },
    strike: fillLog,
    // mock-hsm refuses two signatures at each end of it, for something to log.
    bound: { failed: { eachTime: 4 }, wait: 'moments', established: 'go on' },
    log: /^mhsm-pkcs11: log lines to .+ are lost: ENOSPC/,
    logAfterwards: /^sign: .+ with 403/,
  },
];
