import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, getgid, getuid, pid } from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isListeningSocket, peerCredentials } from './index.ts';

let folder: string;
let server: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-addon-'));
  server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const descriptorOf = (owner: object) => (owner as { _handle?: { fd?: number } })._handle?.fd ?? -1;

test('tells who connected', async () => {
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const caller = connect(join(folder, 'socket'));
  const socket = await accepted;
  expect(peerCredentials(descriptorOf(socket))).toEqual({ pid, uid: getuid?.(), gid: getgid?.() });
  socket.destroy();
  caller.destroy();
});

test('a descriptor without a peer is an error', () => {
  expect(() => peerCredentials(-1)).toThrow(/SO_PEERCRED: Bad file descriptor/);
  expect(() => peerCredentials('3' as unknown as number)).toThrow(TypeError);
});

test('knows a listening socket', () => {
  expect(isListeningSocket(descriptorOf(server))).toBe(true);
  expect(isListeningSocket(0)).toBe(false);
  expect(isListeningSocket(-1)).toBe(false);
});

function run(code: string): unknown {
  const index = fileURLToPath(new URL('index.ts', import.meta.url));
  const program = `const { harden } = await import(${JSON.stringify(index)});
    const { readFileSync, readdirSync, statSync } = await import('node:fs');
    ${code}`;
  const result = spawnSync(execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(result.stderr).toBe('');
  return JSON.parse(result.stdout);
}

test('harden leaves no core', () => {
  const limits = run("harden(); console.log(JSON.stringify(readFileSync('/proc/self/limits', 'utf8')))");
  expect(limits).toMatch(/Max core file size +0 +0/);
});

test('harden opens no debugger to whoever may send a signal', () => {
  const seen = run(`const { url } = await import('node:inspector');
    harden();
    process.kill(process.pid, 'SIGUSR1');
    const ignored = /^SigIgn:\\s*(.*)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    console.log(JSON.stringify({ ignored: (BigInt('0x' + ignored) >> 9n) & 1n ? 'SIGUSR1' : '', url: url() ?? '' }))`);
  expect(seen).toEqual({ ignored: 'SIGUSR1', url: '' });
});

test.skipIf(getuid?.() !== 0)("Node's own setuid reaches all threads, and harden after it hides memory", () => {
  // Loaded before, as the agent does: the user may not be able to enter this checkout.
  const seen = run(`harden();
    process.setgroups([]);
    process.setgid(12345);
    process.setuid(12345);
    harden();
    const threads = readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/status', 'utf8'));
    const ids = threads.map((text) => /^Uid:.*/m.exec(text)[0] + /^Gid:.*/m.exec(text)[0] + /^Groups:.*/m.exec(text)[0]);
    console.log(JSON.stringify({ threads: threads.length, ids: [...new Set(ids)], owner: statSync('/proc/self/mem').uid }))`);
  expect(seen).toMatchObject({
    ids: [expect.stringMatching(/^Uid:(\t12345){4}Gid:(\t12345){4}Groups:\s*$/)],
    // Files in /proc of a process that is not dumpable belong to root.
    owner: 0,
  });
  expect((seen as { threads: number }).threads).toBeGreaterThan(1);
});
