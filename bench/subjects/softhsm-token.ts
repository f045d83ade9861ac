/** A token of SoftHSM 2 with the keys of a run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../demo/process.ts';
import { type KeyFiles, localKeyFile } from './key-files.ts';

/** Where the package softhsm2 of Debian puts it. */
export const SOFTHSM_MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '246810';

export class SoftHsmToken {
  readonly label = 'bench';
  readonly pin = PIN;
  readonly #folder: string;
  #added = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async initialize(folder: string): Promise<SoftHsmToken> {
    const token = new SoftHsmToken(folder);
    mkdirSync(token.#tokens, { recursive: true });
    const lines = [`directories.tokendir = ${token.#tokens}`, 'objectstore.backend = file', 'log.level = ERROR', ''];
    writeFileSync(token.configurationFile, lines.join('\n'));
    await token.#run(['--init-token', '--free', '--label', token.label, '--so-pin', '135791', '--pin', PIN]);
    return token;
  }

  get #tokens(): string {
    return join(this.#folder, 'tokens');
  }

  get configurationFile(): string {
    return join(this.#folder, 'softhsm2.conf');
  }

  /** What a program needs in its environment to find the token. */
  get environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, SOFTHSM2_CONF: this.configurationFile };
  }

  async add(key: KeyFiles): Promise<void> {
    const id = (++this.#added).toString(16).padStart(2, '0');
    const { label } = key;
    await this.#run(['--import', localKeyFile(key), '--token', this.label, '--label', label, '--id', id, '--pin', PIN]);
  }

  /** Workers of nginx open the token again as their own user. */
  async giveTo(user: string): Promise<void> {
    await mustRun('chown', ['-R', user, this.#folder]);
  }

  async #run(args: readonly string[]): Promise<void> {
    await mustRun('softhsm2-util', args, { env: this.environment });
  }
}
