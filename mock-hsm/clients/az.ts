// The real az on a stage, with a configuration folder of its own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished, Stage } from './stage.ts';

const programs = join(import.meta.dirname, '../../build/clients/azure-cli/bin');

/** What az prints, by its own names. Which members there are depends on the command. */
export interface Printed {
  readonly id: string;
  readonly name: string;
  readonly key: { readonly kid: string };
  readonly attributes: { readonly expires: string | null };
  /** Of what was encrypted or decrypted. */
  readonly result: string;
  readonly iv: string;
  readonly tag: string;
  readonly signature: string;
  readonly value: string;
  /** Of a key that was deleted. */
  readonly recoveryId: string;
  /** Of a backup. */
  readonly folderUrl: string;
}

/** An item of what az lists. */
export type Listed = Pick<Printed, 'name'> & { readonly kid: string };

export class Az {
  readonly #stage: Stage;
  readonly #environment: Readonly<Record<string, string>>;

  /** @param name of the configuration folder: one login each */
  constructor(stage: Stage, name: string) {
    this.#stage = stage;
    this.#environment = {
      ...stage.environment,
      PATH: `${programs}:${process.env.PATH ?? ''}`,
      AZURE_CONFIG_DIR: join(stage.folder, name),
      AZURE_CORE_COLLECT_TELEMETRY: 'no',
      AZURE_EXTENSION_USE_DYNAMIC_INSTALL: 'no',
      REQUESTS_CA_BUNDLE: stage.caFile,
    };
  }

  /**
   * What `az …` prints, parsed; null when it prints nothing. Throws with its error message when it fails.
   * @typeParam P what the test expects of the command
   */
  async run<P = Printed>(...args: readonly string[]): Promise<P> {
    const { exitCode, stdout, stderr } = await this.#stage.run('az', args, this.#environment);
    if (exitCode !== 0) throw new Error(`az ${args.join(' ')}: ${stderr}`);
    return JSON.parse(stdout.trim() === '' ? 'null' : stdout);
  }

  /** Runs shell commands as a user types them. */
  async shell(script: string): Promise<Finished> {
    return this.#stage.run('sh', ['-euc', script], this.#environment);
  }

  /** Logs in as a service principal of the mock's `env` file; the secret comes from a file and is no argument. */
  async login(prefix: string): Promise<Printed> {
    const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = this.#stage.credentials(prefix);
    const file = join(this.#stage.folder, `${prefix}.secret`);
    writeFileSync(file, AZURE_CLIENT_SECRET, { mode: 0o600 });
    const who = ['--service-principal', '--username', AZURE_CLIENT_ID, '--password', `@${file}`];
    return this.run('login', ...who, '--tenant', AZURE_TENANT_ID);
  }
}
