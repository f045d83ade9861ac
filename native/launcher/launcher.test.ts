import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { getuid, kill } from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Driver, VARIANTS } from '../test/driver.ts';
import { isAlive, Launcher, Scene, until } from '../test/launcher.ts';

let scene: Scene;

function relink(path: string, target: string): void {
  rmdirSync(path);
  symlinkSync(target, path);
}

describe.each(VARIANTS)('the launcher, $name', ({ build }) => {
  beforeEach(() => {
    scene = new Scene();
  });

  afterEach(() => scene.clean());

  const start = (...options: string[]) => new Launcher(build, scene, ['--foreground', ...options]);
  const loadDriver = () =>
    Driver.load(build, { MHSM_PKCS11_SOCKET: scene.socket, MHSM_PKCS11_CONF: scene.configuration });

  async function stop(launcher: Launcher): Promise<void> {
    launcher.process.kill('SIGTERM');
    expect(await launcher.exit, launcher.stderr).toBe(0);
    expect(existsSync(scene.directory)).toBe(false);
  }

  test('gives the agent what a service manager gives, and nothing else', async () => {
    const secrets = {
      AZURE_CLIENT_SECRET: 's',
      AZURE_CLIENT_CERTIFICATE_PASSWORD: 's',
      AZURE_STORAGE_KEY: 's',
      MHSM_CLIENT_SECRET: 's',
      NODE_OPTIONS: '--no-warnings',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      LD_BIND_NOW: '1',
    };
    const azure = { AZURE_TENANT_ID: 't', AZURE_KUBERNETES_SNI_NAME: 'n', IDENTITY_ENDPOINT: 'e' };
    const kept = { ...azure, https_proxy: 'p', SSL_CERT_DIR: 'd', TZ: 'UTC' };
    const launcher = new Launcher(build, scene, ['--foreground', '--idle', '77'], { ...secrets, ...kept });
    await launcher.ready();
    const note = await scene.agent(1);
    expect(note).toMatchObject({ listening: true, keyBytes: 32, ppid: launcher.process.pid });
    expect(note.arguments).toEqual(['--config', scene.configuration, '--idle', '77']);
    const { PWD, _, SHLVL, OLDPWD, ...environment } = note.environment;
    expect(environment).toEqual({
      ...scene.environment,
      ...kept,
      LISTEN_FDS: '1',
      LISTEN_PID: String(note.pid),
      MHSM_CONTROL_FD: '4',
    });
    expect(note.descriptors.map((line) => line.split(' ')[0])).toEqual(['0', '1', '2', '3', '4']);
    expect(statSync(scene.socket).mode & 0o777).toBe(0o666);
    expect(statSync(`${scene.socket}.lease`).mode & 0o777).toBe(0o600);
    expect(statSync(scene.directory).mode & 0o777).toBe(0o755);
    await stop(launcher);
    expect(scene.notes.at(-1)?.ended).toBe('SIGTERM');
  });

  test('a killed agent is replaced under the same key, and a call meanwhile waits', async () => {
    const launcher = start();
    await launcher.ready();
    const driver = await loadDriver();
    expect([await driver.run('init 2'), await driver.run('open 0 4')]).toEqual(['0', '0 1']);
    for (let n = 1; n <= 6; n++) {
      kill((await scene.agent(n)).pid, 'SIGKILL');
      await until('its end', () => !isAlive(scene.notes[n - 1]?.pid ?? 0));
      expect(await driver.run('sign 1 aabb buffer 9')).toBe('0 2 aabb');
    }
    expect(new Set(scene.notes.map((note) => note.key)).size).toBe(1);
    await driver.end();
    await stop(launcher);
    const pauses = [...launcher.stderr.matchAll(/ended by signal 9; starts another in (\d+) ms/g)].map(
      (match) => match[1],
    );
    // One that had served is waited for by callers, whose deadline is 10 s.
    expect(pauses).toEqual(['0', '100', '200', '400', '800', '800']);
  });

  test('an agent that never gets ready ends the launcher, which says why', async () => {
    scene.setMode('broken');
    const launcher = new Launcher(build, scene, []);
    await until('a reason', () => launcher.stdout.endsWith('\n'));
    expect(launcher.stdout).toMatch(/^agent \d+ ended with status 78: the configuration is upside down\n$/);
    await until('no files', () => !existsSync(scene.directory));
  });

  test('a program that is missing is named', async () => {
    const launcher = start('--agent', '/nowhere/agent');
    expect(await launcher.exit).toBe(1);
    expect(launcher.stdout).toMatch(/^agent \d+ ended with status 127/);
    expect(launcher.stderr).toContain('cannot execute /nowhere/agent: No such file or directory');
  });

  test('an agent that hands over gets a successor on the same socket, and ends when it likes', async () => {
    const launcher = start();
    await launcher.ready();
    const before = await loadDriver();
    expect(await before.run('init 2')).toBe('0');
    const first = await scene.agent(1);
    kill(first.pid, 'SIGUSR2');
    const second = await scene.agent(2);
    expect(second.key).toBe(first.key);
    expect(await before.run('slots 8')).toBe('0 2 3');
    expect(isAlive(first.pid)).toBe(true);
    kill(first.pid, 'SIGUSR1');
    await until('the end of the first', () => !isAlive(first.pid));
    expect(await before.run('slots 8')).toBe('0 2 3');
    expect(scene.notes).toHaveLength(2);
    await before.end();
    await stop(launcher);
  });

  test('SIGHUP brings a successor; until that is ready the agent serves on, however long it takes', async () => {
    const launcher = start();
    await launcher.ready();
    const first = await scene.agent(1);
    const driver = await loadDriver();
    expect(await driver.run('init 2')).toBe('0');
    scene.setMode('broken');
    kill(launcher.process.pid ?? 0, 'SIGHUP');
    await until('a successor that fails', () => launcher.stderr.includes('ended with status 78; starts another'));
    expect(await driver.run('slots 8')).toBe('0 2 3');
    expect(isAlive(first.pid)).toBe(true);
    scene.setMode('');
    const second = await scene.agent(2);
    const last = await scene.agent(3);
    expect(last).toMatchObject({ pid: first.pid, ended: 'successor' });
    await until('the end of the first', () => !isAlive(first.pid));
    expect(await driver.run('slots 8')).toBe('0 2 3');
    expect(isAlive(second.pid)).toBe(true);
    await driver.end();
    await stop(launcher);
  });

  test('SIGHUP while an agent starts does not end it: it is renewed when it is ready', async () => {
    scene.setMode('starting');
    const launcher = start();
    const first = await scene.agent(1);
    kill(launcher.process.pid ?? 0, 'SIGHUP');
    await until('a promise', () => launcher.stderr.includes(`agent ${first.pid} is renewed when it is ready`));
    scene.setMode('');
    await launcher.ready();
    expect((await scene.agent(2)).pid).not.toBe(first.pid);
    expect(await scene.agent(3)).toMatchObject({ pid: first.pid, ended: 'successor' });
    await stop(launcher);
  });

  test('an agent that asks again while its successor starts gets one that starts after that', async () => {
    const launcher = start();
    await launcher.ready();
    const first = await scene.agent(1);
    scene.setMode('starting');
    kill(first.pid, 'SIGHUP');
    const second = await scene.agent(2);
    kill(first.pid, 'SIGHUP');
    await until('a promise', () => launcher.stderr.includes(`agent ${second.pid} is renewed when it is ready`));
    scene.setMode('');
    await until('the end of both', () => scene.notes.filter(({ ended }) => ended === 'successor').length === 2);
    expect(new Set(scene.notes.map(({ pid }) => pid)).size).toBe(3);
    await stop(launcher);
  });

  test('SIGTERM lets agents end what is under way, while nobody finds the socket any more', async () => {
    const launcher = start();
    await launcher.ready();
    const { pid } = await scene.agent(1);
    scene.setMode('ends late');
    launcher.process.kill('SIGTERM');
    await until('no files', () => !existsSync(scene.directory));
    expect(isAlive(pid)).toBe(true);
    expect(await launcher.exit).toBe(0);
    expect(scene.notes.at(-1)).toMatchObject({ pid, ended: 'SIGTERM' });
  });

  test('SIGTERM does not wait for an agent that hangs: it is killed, and a line says so', async () => {
    const launcher = start();
    await launcher.ready();
    const { pid } = await scene.agent(1);
    scene.setMode('hangs');
    launcher.process.kill('SIGTERM');
    expect(await launcher.exit).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(launcher.stderr).toContain(`agent ${pid} was told to stop and did not: it is killed`);
  });

  test('SIGTERM does not keep an agent waiting that has much to say', async () => {
    // In the background it writes to a pipe, and not to what the launcher has.
    const launcher = new Launcher(build, scene, []);
    await launcher.ready();
    const { pid, ppid } = await scene.agent(1);
    scene.setMode('talks');
    kill(ppid, 'SIGTERM');
    await until('the end of both', () => !isAlive(pid) && !isAlive(ppid));
    expect(scene.notes.at(-1)).toMatchObject({ pid, ended: 'SIGTERM' });
  });

  test('a second SIGTERM does not wait for an agent that never ends', async () => {
    const launcher = start();
    await launcher.ready();
    const { pid } = await scene.agent(1);
    scene.setMode('never ends');
    launcher.process.kill('SIGTERM');
    await until('no files', () => !existsSync(scene.directory));
    launcher.process.kill('SIGTERM');
    expect(await launcher.exit).toBe(0);
    await until('its end', () => !isAlive(pid));
  });

  test('an idle agent is started by the next caller, as long as somebody holds the lease', async () => {
    const launcher = start('--idle', '3600');
    await launcher.ready();
    const holder = await loadDriver();
    expect(await holder.run('init 2')).toBe('0');
    kill((await scene.agent(1)).pid, 'SIGUSR1');
    await until('dormant', () => launcher.stderr.includes('because nobody called'));
    const caller = await loadDriver();
    expect(await caller.run('init 2')).toBe('0');
    expect(caller.stderr).toBe('');
    expect(scene.notes).toHaveLength(2);
    await Promise.all([holder.end(), caller.end()]);
    await stop(launcher);
  });

  test('a successor that nobody uses may end before its predecessor: the next caller finds another', async () => {
    const launcher = start('--idle', '0');
    await launcher.ready();
    const before = await loadDriver();
    expect(await before.run('init 2')).toBe('0');
    const first = await scene.agent(1);
    kill(first.pid, 'SIGUSR2');
    const second = await scene.agent(2);
    // It is ready when it has answered.
    const passing = await loadDriver();
    expect(await passing.run('init 2')).toBe('0');
    await passing.end();
    kill(second.pid, 'SIGUSR1');
    await until('dormant', () => launcher.stderr.includes('because nobody called'));
    const caller = await loadDriver();
    expect(await caller.run('init 2')).toBe('0');
    expect(await before.run('slots 8')).toBe('0 2 3');
    expect(isAlive(first.pid)).toBe(true);
    expect(scene.notes).toHaveLength(3);
    await Promise.all([before.end(), caller.end()]);
    kill(first.pid, 'SIGUSR1');
    await stop(launcher);
  });

  test('leaves without a trace when nobody calls and nobody holds the lease', async () => {
    const launcher = start('--idle', '0');
    await launcher.ready();
    const driver = await loadDriver();
    expect(await driver.run('init 2')).toBe('0');
    kill((await scene.agent(1)).pid, 'SIGUSR1');
    await until('dormant', () => launcher.stderr.includes('because nobody called'));
    // Still there for one that was admitted and holds the lease, though its agent is gone.
    expect(await driver.run('slots 8')).toBe('0 2 3');
    await driver.end();
    kill((await scene.agent(2)).pid, 'SIGUSR1');
    expect(await launcher.exit, launcher.stderr).toBe(0);
    expect(existsSync(scene.directory)).toBe(false);
  });

  test.skipIf(getuid?.() !== 0)('the lease passes to a child whose parent ended', async () => {
    const launcher = start('--idle', '0');
    await launcher.ready();
    const driver = await loadDriver();
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('detach')).toBe('detached');
    // As a worker that becomes another user and begins anew: it could not open the lease again.
    expect(await driver.run('become 12345')).toBe('0');
    expect([await driver.run('final'), await driver.run('init null')]).toEqual(['0', '0']);
    kill((await scene.agent(1)).pid, 'SIGUSR1');
    await until('dormant', () => launcher.stderr.includes('because nobody called'));
    expect(await driver.run('slots 8')).toBe('0 2 3');
    kill((await scene.agent(2)).pid, 'SIGUSR1');
    await driver.end();
    expect(await launcher.exit, launcher.stderr).toBe(0);
  });

  test('of several launchers for one socket one stays, and all say ready', async () => {
    const launchers = Array.from({ length: 4 }, () => start());
    await Promise.all(launchers.map((launcher) => launcher.ready()));
    const left = await Promise.all(
      launchers.map((launcher) =>
        Promise.race([launcher.exit, until('', () => scene.notes[0]?.ppid === launcher.process.pid && 'stays')]),
      ),
    );
    expect(left.toSorted()).toEqual([0, 0, 0, 'stays']);
    expect(scene.notes).toHaveLength(1);
    for (const [index, launcher] of launchers.entries()) if (left[index] === 'stays') await stop(launcher);
  });

  test('a socket that a killed launcher left is taken over', async () => {
    const killed = start();
    await killed.ready();
    const { pid } = await scene.agent(1);
    killed.process.kill('SIGKILL');
    await until('the agent ends with its launcher', () => !isAlive(pid));
    expect(existsSync(scene.socket)).toBe(true);
    const launcher = start();
    await launcher.ready();
    await stop(launcher);
  });

  test('a socket that somebody else put in its place is left alone', async () => {
    const launcher = start();
    await launcher.ready();
    unlinkSync(scene.socket);
    writeFileSync(scene.socket, 'not a socket');
    launcher.process.kill('SIGTERM');
    expect(await launcher.exit).toBe(0);
    expect(readdirSync(scene.directory)).toContain('socket');
  });

  test.each([
    ['a directory that others may write in', () => chmodSync(scene.directory, 0o777), /mode 777/],
    ['a directory of another user', () => chownSync(scene.directory, 12345, 12345), /belongs to user id 12345/],
    ['a file where the socket should be', () => writeFileSync(scene.socket, ''), /is there and not a socket/],
    ['a lock that is a link', () => symlinkSync('/etc/passwd', `${scene.socket}.lock`), /cannot open .*\.lock/],
    ['a directory that is a link', () => relink(scene.directory, scene.folder), /is not a directory/],
  ])('refuses %s', async (_what, prepare, reason) => {
    mkdirSync(scene.directory);
    prepare();
    const launcher = start();
    expect(await launcher.exit).toBe(1);
    expect(launcher.stdout).toMatch(reason);
    expect(scene.notes).toEqual([]);
  });

  test.each([[['--idle', 'x']], [['--idle', '-1']], [['--agent', 'relative']], [['more']], [['--socket', 'relative']]])(
    'says how it is used to %j',
    async (options) => {
      const launcher = start(...options);
      expect(await launcher.exit).toBe(2);
      expect(launcher.stderr).toMatch(/usage: mhsm-pkcs11-launcher/);
    },
  );

  test('starts with its standard streams closed', async () => {
    const program = `exec "$0" "$@" <&- >&- 2>&-`;
    const command = ['--config', scene.configuration, '--socket', scene.socket, '--agent', scene.agentProgram];
    spawn('sh', ['-c', program, `${build}/mhsm-pkcs11-launcher`, ...command], {
      env: scene.environment,
      stdio: 'ignore',
    });
    const note = await scene.agent(1);
    expect(note.descriptors.map((line) => line.split(' ')[0])).toEqual(['0', '1', '2', '3', '4']);
    const caller = connect(scene.socket);
    await new Promise((resolve) => caller.once('connect', resolve));
    caller.destroy();
  });

  test('writes no core', async () => {
    const launcher = start();
    await launcher.ready();
    expect(readFileSync(`/proc/${launcher.process.pid}/limits`, 'utf8')).toMatch(/Max core file size +0 +0/);
    await stop(launcher);
  });
});
