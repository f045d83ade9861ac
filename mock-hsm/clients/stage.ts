// A mock in a network of its own, where Azure's host names lead to it and to nothing else. Clients run inside as they
// would on a user's machine with these lines in its hosts file; the machine itself is not touched, and tests that run
// side by side can all have port 443. Needs root and Linux.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What a user writes into /etc/hosts: Azure's names for the way without options, one of our own for another port. */
const hosts = `127.0.0.1 localhost mypool.managedhsm.azure.net contosomhsm.managedhsm.azure.net
127.0.0.1 login.microsoftonline.com management.azure.com graph.microsoft.com
127.0.0.1 mypool.hsm.test
`;

const hostnames = [
  '*.managedhsm.azure.net',
  'login.microsoftonline.com',
  'management.azure.com',
  'graph.microsoft.com',
  '*.hsm.test',
];

const imdsAddress = '169.254.169.254';

/** Arguments: the hosts file, then the program to become. IMDS has its address inside, too. */
const enter = `set -eu
ip link set lo up
ip address add ${imdsAddress}/32 dev lo
mount --bind "$1" /etc/hosts
shift
exec "$@"`;

/** The mock's client principal may use, delete, recover and purge all keys. */
const clientMayUseKeys = [
  { role: 'Managed HSM Crypto User', principal: 'client', scope: '/' },
  { role: 'Managed HSM Crypto Officer', principal: 'client', scope: '/' },
];

const project = join(import.meta.dirname, '../..');

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Stage {
  /** A folder for the test's own files, gone after `close`. */
  readonly folder: string;
  /** The variables of the mock's `env` file, without PATH. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #mock: ChildProcess;

  private constructor(folder: string, mock: ChildProcess) {
    this.folder = folder;
    this.#mock = mock;
    const lines = readFileSync(join(folder, 'hsm', 'env'), 'utf8').matchAll(/^export (\w+)='(.*)'$/gm);
    this.environment = Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
  }

  /** Starts a mock on `port`. @param seed what it is to hold beside its client's roles, as in a seed file */
  static async open(port: number, seed: Readonly<Record<string, unknown>> = {}): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-stage-'));
    writeFileSync(join(folder, 'hosts'), hosts);
    writeFileSync(join(folder, 'seed.json'), JSON.stringify({ roleAssignments: clientMayUseKeys, ...seed }));
    const program = [process.execPath, join(project, 'mock-hsm/bin.ts'), 'serve'];
    const options = [
      '--port',
      String(port),
      '--data-dir',
      join(folder, 'hsm'),
      '--seed-file',
      join(folder, 'seed.json'),
    ];
    const imds = ['--imds-listen', imdsAddress, '--imds-port', '80'];
    const names = hostnames.flatMap((name) => ['--hostname', name]);
    const mock = spawn(
      'unshare',
      ['--net', '--mount', 'sh', '-c', enter, 'sh', join(folder, 'hosts'), ...program, ...options, ...imds, ...names],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let complaint = '';
    mock.stderr.on('data', (text) => {
      complaint += text;
    });
    const ready = once(createInterface({ input: mock.stdout }), 'line');
    const ended = once(mock, 'exit').then(() => {
      rmSync(folder, { recursive: true });
      throw new Error(`the mock did not start: ${complaint}`);
    });
    await Promise.race([ready, ended]);
    ended.catch(() => {});
    return new Stage(folder, mock);
  }

  get caFile(): string {
    return join(this.folder, 'hsm', 'ca.pem');
  }

  /**
   * Runs a program inside until it ends, in the project's folder.
   *
   * Its environment is PATH, a HOME of its own, and what is given: nothing of the machine's settings reaches it.
   */
  run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const inside = ['--target', String(this.#mock.pid), '--net', '--mount', `--wd=${project}`, '--', program, ...args];
    const env = { PATH: process.env.PATH ?? '', HOME: this.folder, ...environment };
    return new Promise((resolve, reject) => {
      execFile('nsenter', inside, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : error.code;
        if (typeof exitCode === 'number') resolve({ exitCode, stdout, stderr });
        else reject(error);
      });
    });
  }

  /** A principal of the `env` file as the variables that all SDKs read. @param prefix `MHSM`, `MHSM_ADMIN` … */
  credentials(prefix: string): Readonly<Record<string, string>> {
    return {
      AZURE_TENANT_ID: this.variable('MHSM_TENANT_ID'),
      AZURE_CLIENT_ID: this.variable(`${prefix}_CLIENT_ID`),
      AZURE_CLIENT_SECRET: this.variable(`${prefix}_CLIENT_SECRET`),
    };
  }

  variable(name: string): string {
    const value = this.environment[name];
    if (value === undefined) throw new Error(`the mock wrote no ${name}`);
    return value;
  }

  async close(): Promise<void> {
    if (this.#mock.exitCode === null) {
      const exit = once(this.#mock, 'exit');
      this.#mock.kill('SIGTERM');
      await exit;
    }
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true });
  }
}
