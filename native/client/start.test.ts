import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lchownSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath, getuid, kill, pid } from 'node:process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Driver, VARIANTS } from '../test/driver.ts';
import { isAlive, Scene, until } from '../test/launcher.ts';

const USER = 12345;
const SYSTEM_DIRECTORY = '/run/mhsm-pkcs11';

let scene: Scene;
let drivers: Driver[];
/** Others than agents who listen. */
let listeners: ChildProcess[];

/** The name of the socket for a configuration file: FNV-1a, 64 bits. */
function socketName(path: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(path)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `${hash.toString(16).padStart(16, '0')}.sock`;
}

/** Whether every user may enter a folder: one below /root is closed, and another user's launcher finds no agent there. */
function isOpenToAll(folder: string): boolean {
  return (statSync(folder).mode & 0o001) !== 0 && (folder === '/' || isOpenToAll(dirname(folder)));
}

/** Somebody who was first at a path, and hears what the module says there. */
async function listenAs(user: number, path: string): Promise<() => Promise<string>> {
  const program = `
    const server = require('node:net').createServer((socket) => {
      let first = 'nothing';
      socket.on('data', () => (first = 'hello') && socket.destroy()).on('close', () => console.log(first)).on('error', () => {});
    });
    server.listen(process.env.SOCKET, () => console.log('listens'));`;
  // Node is loaded as root: another user may not enter this checkout. What listens is the other user's.
  const child = spawn(execPath, ['-e', `process.setgid(${user}); process.setuid(${user}); ${program}`], {
    env: { SOCKET: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  listeners.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const heard = async () => String((await lines.next()).value);
  expect(await heard()).toBe('listens');
  return heard;
}

/** These tests are about what root's processes and other users' may do, so they need root. */
describe.skipIf(getuid?.() !== 0).each(VARIANTS)('starting an agent, $name', ({ build }) => {
  beforeEach(() => {
    scene = new Scene('mhsm-pkcs11-agent');
    drivers = [];
    listeners = [];
    for (const name of ['libmhsm-pkcs11.so', 'mhsm-pkcs11-launcher']) {
      copyFileSync(join(build, name), join(scene.folder, name));
      chmodSync(join(scene.folder, name), 0o755);
    }
  });

  afterEach(async () => {
    for (const listener of listeners) listener.kill();
    for (const driver of drivers) expect(await driver.end(), driver.stderr).toBe(0);
    await scene.clean();
  });

  const module = () => join(scene.folder, 'libmhsm-pkcs11.so');
  const systemSocket = () => join(SYSTEM_DIRECTORY, socketName(scene.configuration));

  async function load(environment: Record<string, string> = {}): Promise<Driver> {
    const driver = await Driver.load(build, { ...scene.environment, ...environment }, module());
    drivers.push(driver);
    return driver;
  }

  async function loadAs(user: number, environment: Record<string, string>): Promise<Driver> {
    const driver = new Driver(build, { ...scene.environment, ...environment }, module());
    drivers.push(driver);
    expect(await driver.run(`become ${user}`)).toBe('0');
    expect(await driver.run(`load ${driver.module}`)).toBe('0');
    return driver;
  }

  function runtimeOf(user: number): string {
    const runtime = join(scene.folder, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    chownSync(runtime, user, user);
    return runtime;
  }

  test('the first C_Initialize starts one, and leaves the host as it was', async () => {
    const driver = await load();
    await driver.run('open-file /etc/hostname');
    const before = await driver.run('descriptors');
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('slots 8')).toBe('0 2 3');
    expect(existsSync(systemSocket())).toBe(true);
    const note = await scene.agent(1);
    expect(note.arguments.slice(0, 2)).toEqual(['--config', scene.configuration]);
    expect(note.descriptors.join()).not.toContain('hostname');
    expect(note.descriptors.map((line) => line.split(' ')[0])).toEqual(expect.arrayContaining(['3', '4']));
    expect(await driver.run('children')).toBe('none');
    expect(await driver.run('signals')).toBe('1 1 0');
    const added = (await driver.run('descriptors')).split(' ').filter((name) => !before.split(' ').includes(name));
    // The connection and the lease.
    expect(added).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)]);
    expect(driver.stderr).toBe('');
  });

  test('processes that start at once get one agent', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => load()));
    expect(await Promise.all(all.map((driver) => driver.run('init 2')))).toEqual(['0', '0', '0', '0']);
    expect(await Promise.all(all.map((driver) => driver.run('slots 8')))).toEqual(Array(4).fill('0 2 3'));
    expect(scene.notes).toHaveLength(1);
  });

  test('works with standard descriptors closed and children ignored', async () => {
    const driver = await load();
    const answers = await driver.fork('close-descriptors 0 2', 'ignore-children', 'init 2', 'slots 8', 'descriptors');
    expect(answers.slice(0, 4)).toEqual(['closed', '0', '0', '0 2 3']);
    expect(answers[4]?.split(' ').filter((name) => /^[012]!?$/.test(name))).toEqual(['1!']);
    expect(scene.notes).toHaveLength(1);
  });

  test('the configuration is the same file however it is spelled', async () => {
    const driver = await load({
      MHSM_PKCS11_CONF: `${scene.folder}/../${scene.folder.split('/').at(-1)}/mhsm-pkcs11.conf`,
    });
    expect(await driver.run('init 2')).toBe('0');
    expect((await scene.agent(1)).arguments[1]).toBe(scene.configuration);
  });

  test('after the launcher is killed the next call of root starts another and resumes', async () => {
    const driver = await load();
    expect([await driver.run('init 2'), await driver.run('open 3 4')]).toEqual(['0', '0 1']);
    const { pid, ppid, key } = await scene.agent(1);
    kill(ppid, 'SIGKILL');
    await until('the end of both', () => !isAlive(pid) && !isAlive(ppid));
    expect(await driver.run('sign 1 aa buffer 9')).toBe('0 1 aa');
    expect((await scene.agent(2)).key).not.toBe(key);
  });

  test.skipIf(!isOpenToAll(import.meta.dirname))('another user has an agent of its own', async () => {
    const runtime = runtimeOf(USER);
    const driver = await loadAs(USER, { XDG_RUNTIME_DIR: runtime });
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('slots 8')).toBe('0 2 3');
    const directory = join(runtime, 'mhsm-pkcs11');
    expect(statSync(directory)).toMatchObject({ uid: USER, mode: 0o40700 });
    expect(existsSync(join(directory, socketName(scene.configuration)))).toBe(true);
    expect(existsSync(systemSocket())).toBe(false);
  });

  test("another user's process takes root's agent where there is one", async () => {
    const root = await load();
    expect(await root.run('init 2')).toBe('0');
    const driver = await loadAs(USER, { XDG_RUNTIME_DIR: runtimeOf(USER) });
    expect(await driver.run('init 2')).toBe('0');
    expect(scene.notes).toHaveLength(1);
  });

  test("a worker of root's process starts none of its own", async () => {
    const driver = await load();
    expect([await driver.run('init 2'), await driver.run('open 3 4')]).toEqual(['0', '0 1']);
    const { pid, ppid } = await scene.agent(1);
    kill(ppid, 'SIGKILL');
    await until('the end of both', () => !isAlive(pid) && !isAlive(ppid));
    const answers = await driver.fork(`become ${USER}`, 'init null', 'open 3 4', 'session 2', 'session 1');
    expect(answers).toEqual(['0', '0', '0 2', '30 0 0', 'b3 0 0', 'ended 0']);
    expect(existsSync(`/tmp/mhsm-pkcs11-${USER}`)).toBe(false);
    expect(await driver.run('session 1')).toBe('0 0 2');
  });

  test.each([
    ['belongs to somebody else', (path: string) => chownSync(path, 0, 0), /belongs to user id 0, not to 12345/],
    ['can be read by others', (path: string) => chmodSync(path, 0o755), /has mode 755, at most 700 is safe/],
  ])('a directory that %s is not used', async (_what, spoil, reason) => {
    const runtime = runtimeOf(USER);
    const directory = join(runtime, 'mhsm-pkcs11');
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, USER, USER);
    spoil(directory);
    const driver = await loadAs(USER, { XDG_RUNTIME_DIR: runtime });
    expect(await driver.run('init 2')).toBe('0');
    expect(driver.stderr).toMatch(reason);
    expect(await driver.run('slots 8')).toBe('30 8 0');
    expect(scene.notes).toEqual([]);
  });

  test('a socket that another user put into a shared folder is told nothing, unless that user is named', async () => {
    // A folder that everybody may write in.
    const path = join(scene.notesFolder, 'taken.sock');
    const heard = await listenAs(USER, path);
    const driver = await load({ MHSM_PKCS11_SOCKET: path });
    expect(await driver.run('init 2')).toBe('0');
    expect(driver.stderr).toMatch(
      /user id 12345 listens at \S+taken\.sock, and \S+taken\.sock belongs to user id 12345: put the socket where only root and this user may, or set MHSM_PKCS11_AGENT_USER=12345/,
    );
    expect(await heard()).toBe('nothing');
    const trusting = await load({ MHSM_PKCS11_SOCKET: path, MHSM_PKCS11_AGENT_USER: String(USER) });
    expect(await trusting.run('init 2')).toBe('0');
    expect(await heard()).toBe('hello');
  });

  /** A folder in the scene's, with a mode whatever the umask. */
  function folderOf(user: number, mode: number, ...names: readonly string[]): string {
    const folder = join(scene.folder, ...names);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode);
    chownSync(folder, user, user);
    return folder;
  }

  /** A link that belongs to a user, put into a folder. */
  function linkOf(user: number, path: string, target: string): string {
    symlinkSync(target, path);
    lchownSync(path, user, user);
    return path;
  }

  /** Who listens in a folder, at a socket that belongs to root: as an agent does that root started and that gave root up. */
  async function listenIn(folder: string): Promise<{ path: string; heard(): Promise<string> }> {
    const bound = join(scene.notesFolder, 'bound.sock');
    const heard = await listenAs(USER, bound);
    const path = join(folder, 'agent.sock');
    renameSync(bound, path);
    chownSync(path, 0, 0);
    chmodSync(path, 0o666);
    return { path, heard };
  }

  test.each<[string, () => Promise<{ path: string; reached?: string; heard(): Promise<string> }>, RegExp]>([
    [
      'lies in a folder of another user',
      () => listenIn(folderOf(USER, 0o755, 'other')),
      /\S+other belongs to user id 12345/,
    ],
    [
      'lies below a folder of another user',
      async () => {
        folderOf(USER, 0o755, 'other');
        return listenIn(folderOf(0, 0o755, 'other', 'inner'));
      },
      /\S+other belongs to user id 12345/,
    ],
    [
      'lies in a sticky folder of another user',
      () => listenIn(folderOf(USER, 0o1777, 'other')),
      /\S+other belongs to user id 12345/,
    ],
    [
      'lies in a folder that everybody may write in, without the sticky bit',
      () => listenIn(folderOf(0, 0o777, 'open')),
      /others may write in \S+open/,
    ],
    [
      'lies in a folder that a group may write in',
      () => listenIn(folderOf(0, 0o775, 'open')),
      /others may write in \S+open/,
    ],
    [
      'belongs to another user',
      async () => {
        const listener = await listenIn(folderOf(0, 0o755, 'good'));
        chownSync(listener.path, USER, USER);
        return listener;
      },
      /\S+agent\.sock belongs to user id 12345/,
    ],
    [
      'is found by a link of another user',
      async () => {
        const listener = await listenIn(folderOf(0, 0o755, 'good'));
        const reached = linkOf(USER, join(scene.notesFolder, 'link'), dirname(listener.path));
        return { ...listener, reached: join(reached, 'agent.sock') };
      },
      /\S+link belongs to user id 12345/,
    ],
    [
      'is found by a link that leads on to a link of another user',
      async () => {
        const listener = await listenIn(folderOf(0, 0o755, 'good'));
        const second = linkOf(USER, join(scene.notesFolder, 'second'), dirname(listener.path));
        const first = linkOf(0, join(scene.folder, 'first'), second);
        return { ...listener, reached: join(first, 'agent.sock') };
      },
      /\S+second belongs to user id 12345/,
    ],
    [
      'is found by going up from a folder of another user',
      async () => {
        const listener = await listenIn(folderOf(0, 0o755, 'good'));
        folderOf(USER, 0o755, 'other');
        return { ...listener, reached: `${scene.folder}/other/../good/agent.sock` };
      },
      /\S+other belongs to user id 12345/,
    ],
    [
      'is found by what a process has open',
      async () => {
        const listener = await listenIn(folderOf(0, 0o755, 'good'));
        return { ...listener, reached: `/proc/${pid}/root${listener.path}` };
      },
      /\/proc\/\d+\/root is a link of \/proc/,
    ],
  ])('a socket that %s is another user’s to replace: it is told nothing', async (_what, prepare, reason) => {
    const { path, reached = path, heard } = await prepare();
    const driver = await load({ MHSM_PKCS11_SOCKET: reached });
    expect(await driver.run('init 2')).toBe('0');
    expect(await heard()).toBe('nothing');
    expect(driver.stderr).toMatch(/user id 12345 listens at \S+agent\.sock, and /);
    expect(driver.stderr).toMatch(reason);
    const trusting = await load({ MHSM_PKCS11_SOCKET: reached, MHSM_PKCS11_AGENT_USER: String(USER) });
    expect(await trusting.run('init 2')).toBe('0');
    expect(await heard()).toBe('hello');
  });

  test.each<[string, (path: string) => string]>([
    ['as it is', (path) => path],
    [
      'in a sticky folder',
      (path) => {
        const sticky = folderOf(0, 0o1777, 'sticky');
        renameSync(path, join(sticky, 'agent.sock'));
        return join(sticky, 'agent.sock');
      },
    ],
    [
      'by links of root, one of them relative',
      (path) => {
        const second = linkOf(0, join(scene.folder, 'second'), 'good');
        const first = linkOf(0, join(scene.notesFolder, 'first'), second);
        return join(first, '.', path.slice(path.lastIndexOf('/')));
      },
    ],
    ['by a link to the socket', (path) => linkOf(0, join(scene.folder, 'link'), path)],
    ['by going up and down', () => `${scene.folder}//notes-of/./../good/agent.sock`],
  ])('an agent that gave root up, in a folder of root, is told what it needs: %s', async (_how, spell) => {
    const listener = await listenIn(folderOf(0, 0o755, 'good'));
    const driver = await load({ MHSM_PKCS11_SOCKET: spell(listener.path) });
    expect(await driver.run('init 2')).toBe('0');
    expect(await listener.heard()).toBe('hello');
  });

  test('links that lead to themselves end', async () => {
    const first = linkOf(0, join(scene.folder, 'first'), join(scene.folder, 'second'));
    linkOf(0, join(scene.folder, 'second'), first);
    const driver = await load({ MHSM_PKCS11_SOCKET: join(first, 'agent.sock') });
    expect(await driver.run('init 2')).toBe('0');
    expect(driver.stderr).toMatch(/Too many levels of symbolic links/);
  });

  test('a user that is no number is named by the variable it is in', async () => {
    const driver = await load({ MHSM_PKCS11_AGENT_USER: 'www-data' });
    expect(await driver.run('init 2')).toBe('0');
    expect(driver.stderr).toMatch(/MHSM_PKCS11_AGENT_USER is not a user id/);
    expect(scene.notes).toEqual([]);
  });

  test('a set-user-id program takes no path from its caller, and starts no agent with its environment', async (context) => {
    const program = join(scene.folder, 'set-user-id');
    copyFileSync(join(build, 'test/driver/driver'), program);
    chmodSync(program, 0o4755);
    const environment = { ...scene.environment, MHSM_PKCS11_SOCKET: join(scene.folder, 'chosen.sock') };
    const driver = new Driver(build, environment, module(), { program, user: USER });
    drivers.push(driver);
    if ((await driver.run('is-set-user-id')) === '0') context.skip(`${scene.folder} takes no set-user-id programs`);
    expect(await driver.run(`load ${module()}`)).toBe('0');
    expect(await driver.run('init 2')).toBe('0');
    // The default configuration's: neither MHSM_PKCS11_CONF nor MHSM_PKCS11_SOCKET counts.
    expect(driver.stderr).toMatch(new RegExp(join(SYSTEM_DIRECTORY, socketName('/etc/mhsm-pkcs11.conf'))));
    expect(scene.notes).toEqual([]);
  });

  test('why an agent does not start is told once', async () => {
    scene.setMode('broken');
    const driver = await load();
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('slots 8')).toBe('30 8 0');
    expect(driver.stderr).toMatch(
      /^mhsm-pkcs11: C_Initialize: the agent did not start: agent \d+ ended with status 78: the configuration is upside down\n$/,
    );
    expect(await driver.run('children')).toBe('none');
  });

  test('a module without its launcher says so', async () => {
    const alone = join(scene.folder, 'alone');
    mkdirSync(alone);
    copyFileSync(module(), join(alone, 'libmhsm-pkcs11.so'));
    const driver = await Driver.load(build, scene.environment, join(alone, 'libmhsm-pkcs11.so'));
    drivers.push(driver);
    expect(await driver.run('init 2')).toBe('0');
    expect(driver.stderr).toContain(`cannot start ${alone}/mhsm-pkcs11-launcher: No such file or directory`);
  });

  test('load, unload, load: nothing stays behind, and forks go on working', async () => {
    const driver = await load();
    const before = await driver.run('descriptors');
    for (const _ of [1, 2, 3]) {
      expect(await driver.run('init 2')).toBe('0');
      expect(await driver.run('open 3 4')).toBe('0 1');
      expect(await driver.run('unload')).toBe('0 gone');
      expect(await driver.run('descriptors')).toBe(before);
      expect(await driver.fork('children')).toEqual(['none', 'ended 0']);
      expect(await driver.run(`load ${module()}`)).toBe('0');
    }
  });
});
