// A mock as a process of its own on a data folder, for tests of what outlives the process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PoolConnection } from './pool-connection.ts';

const program = join(import.meta.dirname, '..', 'bin.ts');

/** Node ends at a file-size limit unless somebody listens; then the write fails, as it does on a full disk. */
const surviveFileLimit = 'data:text/javascript,process.on("SIGXFSZ",()=>{})';

export interface FolderOptions {
  /** Most bytes a file may have, in the units of the shell's `ulimit -f`. */
  readonly fileLimit?: number;
  /** Where Node keeps compiled sources, so that the next start is faster. */
  readonly compileCache?: string;
}

export class ServedFolder {
  readonly folder: string;
  readonly child: ChildProcess;
  stderr = '';
  readonly #exit: Promise<unknown[]>;
  readonly #line: Promise<unknown[]>;

  constructor(folder: string, { fileLimit, compileCache }: FolderOptions = {}) {
    this.folder = folder;
    const args = ['--import', surviveFileLimit, program, '--data-dir', folder];
    const limited = ['-c', `ulimit -f ${fileLimit}; exec "$0" "$@"`, process.execPath, ...args];
    const [command, all] = fileLimit === undefined ? [process.execPath, args] : ['/bin/sh', limited];
    const env = { ...process.env, ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }) };
    const child = spawn(command, all, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.#exit = once(child, 'exit');
    this.#line = once(createInterface({ input: child.stdout }), 'line');
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  /** Resolves when it serves. Throws with its standard error when it ends before. */
  async ready(): Promise<void> {
    const ended = this.#exit.then(([code]) => {
      throw new Error(`mock-hsm on ${this.folder} ended with ${code}: ${this.stderr}`);
    });
    await Promise.race([this.#line, ended]);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.#exit;
  }

  /** A connection with the principals of the folder's environment file. */
  connect(): PoolConnection {
    const lines = readFileSync(join(this.folder, 'env'), 'utf8').trimEnd().split('\n');
    const entries = lines.map((line) => /^export (\w+)='([^']*)'$/.exec(line)?.slice(1) ?? [line, '']);
    const env = Object.fromEntries(entries) as Record<string, string>;
    const principal = (prefix: string, objectId = '') => ({
      name: prefix,
      clientId: env[`${prefix}_CLIENT_ID`] ?? '',
      clientSecret: env[`${prefix}_CLIENT_SECRET`] ?? '',
      objectId,
    });
    return new PoolConnection({
      url: env.MHSM_URL ?? '',
      caPem: readFileSync(join(this.folder, 'ca.pem'), 'utf8'),
      tenantId: env.MHSM_TENANT_ID ?? '',
      admin: principal('MHSM_ADMIN'),
      client: principal('MHSM', env.MHSM_CLIENT_OBJECT_ID),
      principals: {},
      close: async () => {},
    });
  }
}
