// The real az on a stage, with a configuration folder of its own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished, Stage } from './stage.ts';

const programs = join(import.meta.dirname, '../../build/clients/azure-cli/bin');

/** What az printed, parsed. Tests look into it by path. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
export type Printed = any;

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

  /** What `az …` prints, parsed; undefined when it prints nothing. Throws with its error message when it fails. */
  async run(...args: readonly string[]): Promise<Printed> {
    const { exitCode, stdout, stderr } = await this.#stage.run('az', args, this.#environment);
    if (exitCode !== 0) throw new Error(`az ${args.join(' ')}: ${stderr}`);
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
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
