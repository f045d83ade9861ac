/**
 * Writes V8's code cache of the agent's program beside it. What is compiled is what runs, so an agent is started once, on a
 * socket of its own, and asked for its status; it asks no HSM.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeCacheFileOf } from '../lib/bin/code-cache.ts';
import { descriptorOf } from '../native/addon/index.ts';

const CONFIGURATION = {
  tokens: [{ slotid: 0, resourceName: 'build', credential: { clientId: 'build', clientSecret: 'none' } }],
};
const DEADLINE_MS = 30_000;
/** Linux's abstract names are no files: the agent reaches it also after it gave up root. */
const SOCKET = `\0mhsm-pkcs11-code-${process.pid}`;

/** Listens, and leaves it to a new process to accept. */
async function startWithListener(program: string, args: readonly string[]) {
  const server = createServer();
  server.listen(SOCKET);
  await once(server, 'listening');
  const child = spawn(process.execPath, [program, ...args], {
    env: { LISTEN_FDS: '1' },
    stdio: ['ignore', 'ignore', 'inherit', descriptorOf(server)],
    timeout: DEADLINE_MS,
  });
  server.close();
  return child;
}

/** @param programFile its whole path; throws when the agent does not start, which says itself why */
export async function writeCodeCache(programFile: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mhsm-pkcs11-code-'));
  const configuration = join(folder, 'mhsm-pkcs11.conf');
  writeFileSync(configuration, JSON.stringify(CONFIGURATION), { mode: 0o600 });
  const unfinished = `${codeCacheFileOf(programFile)}.new`;
  try {
    const recorder = join(import.meta.dirname, 'record-code-cache.ts');
    const args = [programFile, unfinished, SOCKET.slice(1), '--config', configuration];
    const [code, signal] = await once(await startWithListener(recorder, args), 'exit');
    if (code !== 0 || statSync(unfinished).size === 0) throw new Error(`the agent ended with ${code ?? signal}`);
    renameSync(unfinished, codeCacheFileOf(programFile));
  } finally {
    rmSync(unfinished, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}
