/**
 * What the launcher starts in tests: notes how it was started in a file, serves as FakeAgent does, and ends when told.
 * A file `mode` in its folder may say "broken": then it ends before it is ready; "starting": it is not ready until that
 * changes; "ends late" and "never ends": what it does on SIGTERM.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import process, { argv, env, exit, pid, ppid } from 'node:process';
import { isListeningSocket } from '../addon/index.ts';
import { FakeAgent } from './fake-agent.ts';

const folder = env.MHSM_PKCS11_TEST ?? '/nowhere';
const CONTROL = 4;
/** What a signature that waits for the HSM may take, and then some. */
const LATE_MS = 6000;

/** Descriptors that were there before Node made its own, which are the kinds left out here. */
function inherited(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`);
      return /^(anon_inode|pipe|\/proc|\/dev\/null)/.test(target) && Number(name) > CONTROL
        ? []
        : [`${name} ${target}`];
    } catch {
      return [];
    }
  });
}

const modeFile = join(folder, 'mode');
const mode = () => (existsSync(modeFile) ? readFileSync(modeFile, 'utf8') : '');
if (mode() === 'broken') {
  console.error('the configuration is upside down');
  exit(78);
}
const key = Buffer.alloc(32);
const keyBytes = readSync(CONTROL, key);
const agent = new FakeAgent('');
const note = {
  pid,
  ppid,
  key: key.toString('hex'),
  keyBytes,
  arguments: argv.slice(2),
  listening: isListeningSocket(3),
  environment: env,
  descriptors: inherited(),
};
appendFileSync(join(folder, 'notes'), `${JSON.stringify(note)}\n`);
// As a program does that still loads its code: a signal ends it.
while (mode() === 'starting') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
await agent.adopt(3);
process.on('SIGUSR1', () => exit(0));
process.on('SIGUSR2', () => {
  writeSync(CONTROL, 'n');
  agent.stopAccepting();
});
let renews = false;
process.on('SIGHUP', () => {
  renews = true;
  writeSync(CONTROL, 'n');
});
new Socket({ fd: CONTROL, readable: true, writable: false }).on('data', () => {
  if (!renews) return;
  appendFileSync(join(folder, 'notes'), `${JSON.stringify({ ...note, ended: 'successor' })}\n`);
  exit(0);
});
const end = () => {
  appendFileSync(join(folder, 'notes'), `${JSON.stringify({ ...note, ended: 'SIGTERM' })}\n`);
  exit(0);
};
process.on('SIGTERM', () => {
  if (mode() === 'never ends') return;
  if (mode() === 'ends late') setTimeout(end, LATE_MS);
  else end();
});
writeSync(CONTROL, 'r');
