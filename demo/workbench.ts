import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CRYPTO_USER } from './mock.ts';
import { fromExample } from './nginx.ts';
import { type ConfigurationChanges, Offload } from './offload.ts';
import { type Finished, mustRun, runProgram } from './process.ts';
import { GNUTLS_ENVIRONMENT, MODULE, MODULE_ENVIRONMENT } from './tested-module.ts';

const EXAMPLES = join(import.meta.dirname, '../examples');

/** A mock HSM with the library's configuration and one principal that may do everything with keys, for one program. */
export class Workbench {
  readonly folder: string;
  readonly offload: Offload;
  /** All that a program knows of its surroundings. */
  readonly environment: NodeJS.ProcessEnv;

  private constructor(folder: string, offload: Offload) {
    this.folder = folder;
    this.offload = offload;
    this.environment = {
      ...MODULE_ENVIRONMENT,
      PATH: process.env.PATH,
      HOME: folder,
      MHSM_PKCS11_CONF: offload.configurationFile,
      MHSM_PKCS11_MODULE: MODULE,
      MHSM_PKCS11_PIN_FILE: this.write('pin', this.pin),
    };
  }

  /** @param program names the folder, for those who look into it */
  static async start(program: string, changes: ConfigurationChanges = {}): Promise<Workbench> {
    const folder = mkdtempSync(join(tmpdir(), `mhsm-${program}-`));
    const offload = await Offload.start(folder, changes);
    await offload.grantReading();
    return new Workbench(folder, offload);
  }

  /** `client-id:client-secret` of the principal. */
  get pin(): string {
    const { clientId, clientSecret } = this.offload.mock.keyGeneration;
    return `${clientId}:${clientSecret}`;
  }

  /** Lets the principal ask the HSM for random numbers, which takes a role at `/`. */
  async grantRandom(): Promise<void> {
    await this.offload.mock.assignRole(CRYPTO_USER, this.offload.mock.keyGeneration.objectId, '');
  }

  /** Path of a file of the folder. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file that the owner alone may read; gives its path. */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.file(name), content, { mode: 0o600 });
    return this.file(name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** Path of an example as it is in the repository. */
  example(path: string): string {
    return join(EXAMPLES, path);
  }

  /** A copy of an example with what its user is told to change; gives its path. */
  fillIn(path: string, replacements: Readonly<Record<string, string>>): string {
    const file = this.write(basename(path), fromExample(path, replacements));
    if (path.endsWith('.sh')) chmodSync(file, 0o700);
    return file;
  }

  /** Runs a program that must succeed; gives its standard output. */
  async run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
    return (await mustRun(program, args, { env: this.#environmentOf(program, environment) })).stdout;
  }

  /** Runs a program to its end, whatever its exit status. */
  attempt(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return runProgram(program, args, { env: this.#environmentOf(program, environment) });
  }

  #environmentOf(program: string, more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return { ...this.environment, ...(basename(program) === 'p11tool.sh' ? GNUTLS_ENVIRONMENT : {}), ...more };
  }

  async stop(): Promise<void> {
    await this.offload.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
