import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MODULE } from '../demo/tested-module.ts';
import type { Fault, Struck } from './fault.ts';
import { mountFor, noOwnMounts } from './mount-namespace.ts';
import { renewAgent } from './process-faults.ts';
import type { Scene } from './scene.ts';

/** Debian's libfaketime: gives a program the time that a file says. */
const LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1';
const AGENT = join(dirname(MODULE), 'mhsm-pkcs11-agent');

const noFaketime = () => (globSync(LIBRARY).length > 0 ? undefined : 'it takes libfaketime');

/** The agent's start script with a clock of its own, laid over the one that the launcher knows. */
async function giveClock(scene: Scene, offsetFile: string): Promise<void> {
  const program = join(scene.folder, 'agent-with-clock');
  const [interpreter, ...script] = readFileSync(AGENT, 'utf8').split('\n');
  const clock = [
    `LD_PRELOAD=${globSync(LIBRARY)[0]}`,
    `FAKETIME_TIMESTAMP_FILE=${offsetFile}`,
    'FAKETIME_NO_CACHE=1',
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
  ];
  writeFileSync(program, [interpreter, `export ${clock.join(' ')}`, ...script].join('\n'), { mode: 0o755 });
  await mountFor(scene.nginx.masterPid, 'mount', '--bind', program, AGENT);
  await renewAgent(scene);
}

async function takeClock(scene: Scene): Promise<void> {
  await mountFor(scene.nginx.masterPid, 'umount', AGENT);
  await renewAgent(scene);
}

async function jumpAndBack(scene: Scene): Promise<Struck> {
  const offsetFile = join(scene.folder, 'clock');
  writeFileSync(offsetFile, '+0d', { mode: 0o644 });
  await giveClock(scene, offsetFile);
  writeFileSync(offsetFile, '+1d');
  const end = async () => {
    writeFileSync(offsetFile, '+0d');
    await scene.moreServed();
    await takeClock(scene);
  };
  return { end };
}

/** The clock of the host that the agent runs on. */
export const CLOCK_FAULTS: readonly Fault[] = [
  {
    name: 'clock of the agent jumps',
    what: "the clock of the agent's host jumps ahead by a day, and back",
    missing: () => noOwnMounts() ?? noFaketime(),
    lastsMs: { whole: 10_000, short: 1500 },
    strike: jumpAndBack,
    bound: { failed: 'none', wait: 'moments', established: 'go on' },
    log: undefined,
  },
];
