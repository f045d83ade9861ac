import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Offload } from '../../demo/offload.ts';
import { mustRun, runProgram, waitFor } from '../../demo/process.ts';
import { SigningClient } from '../../demo/signing-client.ts';
import { socketName } from '../../lib/agent/location.ts';
import { CKA_LABEL } from '../../lib/pkcs11/constants.ts';
import { BUILD, Driver, masked } from '../../native/test/driver.ts';

const AGENT = join(BUILD, 'mhsm-pkcs11-agent');
const INSTALLED_AGENT = '/opt/mhsm-pkcs11/native/build/mhsm-pkcs11-agent';
const SERVICE = 'mhsm-pkcs11-agent.service';
const SOCKET = 'mhsm-pkcs11-agent.socket';
const LARGEST_EXPOSURE = 2.0;
const WORKER = 54_321;
const LABEL = 'web';

const unit = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-systemd-'));
  chmodSync(folder, 0o711);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the units', () => {
  test('are exposed to the system no more than they must', async () => {
    const { stdout } = await mustRun('systemd-analyze', [
      'security',
      '--offline=yes',
      '--no-pager',
      join(import.meta.dirname, SERVICE),
    ]);
    const level = /Overall exposure level for .*: ([\d.]+) /.exec(stdout)?.[1];
    expect(Number(level)).toBeGreaterThan(0);
    expect(Number(level)).toBeLessThanOrEqual(LARGEST_EXPOSURE);
  });

  test('are understood by systemd, every line of them', async () => {
    const units = join(folder, 'units');
    mkdirSync(units);
    expect(unit(SERVICE)).toContain(INSTALLED_AGENT);
    writeFileSync(join(units, SERVICE), unit(SERVICE).replaceAll(INSTALLED_AGENT, AGENT));
    cpSync(join(import.meta.dirname, SOCKET), join(units, SOCKET));
    const { stderr, status } = await runProgram('systemd-analyze', [
      'verify',
      '--man=no',
      join(units, SERVICE),
      join(units, SOCKET),
    ]);
    expect(stderr.split('\n').filter((line) => line.includes('mhsm-pkcs11'))).toEqual([]);
    expect(status).toBe(0);
  });

  test('listen where the module looks', () => {
    expect(unit(SOCKET)).toContain(`ListenStream=/run/mhsm-pkcs11/${socketName('/etc/mhsm-pkcs11.conf')}\n`);
  });

  test('a user without a folder and a shell is made for the agent', async () => {
    const root = join(folder, 'root');
    mkdirSync(join(root, 'etc'), { recursive: true });
    const file = join(import.meta.dirname, 'mhsm-pkcs11.sysusers');
    await mustRun('systemd-sysusers', [`--root=${root}`, file]);
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(
      /^mhsm-pkcs11:x:\d+:\d+:.*:\/:\/usr\/sbin\/nologin$/m,
    );
  });
});

/** What systemd does when somebody connects, by its own program. */
class Activation {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  stderr = '';

  private constructor(socket: string, runtime: string, configurationFile: string) {
    const environment = ['-E', `RUNTIME_DIRECTORY=${runtime}`, '-E', `PATH=${process.env.PATH}`];
    const args = ['-l', socket, ...environment, AGENT, '--config', configurationFile];
    this.#process = spawn('systemd-socket-activate', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = new Promise((resolve) => this.#process.once('close', resolve));
  }

  static async start(socket: string, runtime: string, configurationFile: string): Promise<Activation> {
    const activation = new Activation(socket, runtime, configurationFile);
    await waitFor('the socket', () => (activation.stderr.includes('Listening on') ? true : undefined));
    // Only root's umask closes it; the unit has SocketMode.
    chmodSync(socket, 0o666);
    return activation;
  }

  /** As systemctl stop: SIGTERM, and the agent lets go of its clients. Gives the exit status. */
  stop(): Promise<unknown> {
    this.#process.kill('SIGTERM');
    return this.#ended;
  }
}

describe('socket activation', () => {
  let offload: Offload;
  let socket: string;
  let runtime: string;
  let activation: Activation;

  beforeAll(async () => {
    offload = await Offload.start(join(folder, 'offload'), { top: { agent: { idleExitSeconds: 600 } } });
    chmodSync(join(folder, 'offload'), 0o711);
    await offload.grantReading();
    await offload.grantUse(await offload.createKey('--EC', 'P-256', '--label', LABEL));
    mkdirSync(join(folder, 'run'), { mode: 0o755 });
    socket = join(folder, 'run', 'agent.sock');
    runtime = join(folder, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    activation = await Activation.start(socket, runtime, offload.configurationFile);
  });

  afterAll(async () => {
    await activation?.stop();
    await offload?.stop();
  });

  const environment = () => ({ MHSM_PKCS11_CONF: offload.configurationFile, MHSM_PKCS11_SOCKET: socket });

  async function restart(): Promise<void> {
    await activation.stop();
    activation = await Activation.start(socket, runtime, offload.configurationFile);
  }

  test('the first caller starts the agent, and the module starts none of its own', async () => {
    const { configurationFile, pin } = offload;
    const client = await SigningClient.start({ configurationFile, pin, label: LABEL, environment: environment() });
    expect(await client.sign(3)).toEqual({ made: 3, failures: [] });
    expect(await offload.agents('launcher')).toEqual([]);
    await restart();
    expect(await client.sign(3)).toEqual({ made: 3, failures: [] });
    await client.stop();
  });

  test('SIGTERM while keys are listed: everybody is served until the list is there', async () => {
    const { configurationFile, pin, mock } = offload;
    const client = await SigningClient.start({ configurationFile, pin, label: LABEL, environment: environment() });
    const lister = await Driver.load(BUILD, environment());
    expect([await lister.run('init 2'), await lister.run('open 0 4')]).toEqual(['0', '0 1']);
    expect(await lister.run(`login 1 1 ${masked(pin)}`)).toBe('0');
    await mock.control('POST', 'faults', { operation: 'list', delayMs: 5000, times: 1 });
    const done: string[] = [];
    const listing = lister.run(`findinit 1 ${CKA_LABEL}=00`).then((rv) => done.push(`listed ${rv}`));
    await waitFor('a listing at the HSM', async () =>
      ((await mock.control('GET', 'faults')) as unknown[]).length === 0 ? true : undefined,
    );
    const stopped = activation.stop().then((status) => done.push(`stopped ${status}`));
    expect(await client.sign(3)).toEqual({ made: 3, failures: [] });
    expect(done).toEqual([]);
    await Promise.all([listing, stopped]);
    expect(done).toEqual(['listed 0', 'stopped 0']);
    activation = await Activation.start(socket, runtime, configurationFile);
    expect(await client.sign(3)).toEqual({ made: 3, failures: [] });
    await Promise.all([client.stop(), lister.end()]);
  });

  test('SIGTERM is a good end, as Restart=on-failure has it', async () => {
    const { configurationFile, pin } = offload;
    const client = await SigningClient.start({ configurationFile, pin, label: LABEL, environment: environment() });
    expect(await activation.stop()).toBe(0);
    activation = await Activation.start(socket, runtime, offload.configurationFile);
    expect((await client.sign(1)).made).toBe(1);
    await client.stop();
  });

  test.skipIf(getuid?.() !== 0)('a worker of another user is admitted after a restart too, by its ticket', async () => {
    const worker = await Driver.load(BUILD, environment());
    expect(await worker.run('init 2')).toBe('0');
    expect(await worker.run('open 0 4')).toBe('0 1');
    expect(await worker.run(`become ${WORKER}`)).toBe('0');
    await restart();
    expect(await worker.run('session 1')).toBe('0 0 0');
    expect(existsSync(join(runtime, 'ticket-key'))).toBe(true);
    rmSync(join(runtime, 'ticket-key'));
    await restart();
    expect(await worker.run('session 1')).toMatch(/^(6|30) /);
    expect(worker.stderr).toContain(`user id ${WORKER} is not admitted`);
    await worker.end();
  });
});
