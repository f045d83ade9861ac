/**
 * What the launcher starts in tests: notes how it was started in a file, serves as FakeAgent does, and ends when told.
 * A file `mode` in its folder may say "broken": then it ends before it is ready; "starting": it is not ready until that
 * changes; "ends late", "hangs", "never ends" (and says each second that it is about to) and "talks": what it does on SIGTERM.
 */
import {
  appendFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import process, { argv, env, exit, pid, ppid } from 'node:process';
import { isListeningSocket } from '../addon/index.ts';
import { FakeAgent } from './fake-agent.ts';

const folder = env.MHSM_PKCS11_TEST ?? '/nowhere';
const CONTROL = 4;
/** What a listing that waits for the HSM may take: longer than the launcher waits for one that says nothing. */
const LATE_MS = 11_000;
/** More than a pipe takes. */
const TALK_BYTES = 128 * 1024;

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
const sayThatItEnds = () => setInterval(() => writeSync(CONTROL, 'e'), 500);
const ENDINGS: Readonly<Record<string, () => void>> = {
  hangs: () => undefined,
  'never ends': sayThatItEnds,
  'ends late': () => {
    sayThatItEnds();
    setTimeout(end, LATE_MS);
  },
  talks: () => {
    // Opened anew it blocks, as a log does that loses nothing.
    const standardError = openSync('/dev/stderr', 'a');
    for (let bytes = 0; bytes < TALK_BYTES; ) bytes += writeSync(standardError, 'it has very much to say\n');
    end();
  },
};
process.on('SIGTERM', () => (ENDINGS[mode()] ?? end)());
writeSync(CONTROL, 'r');
