/** All that the points of a run share: a folder, the HSM, the keys, a token of SoftHSM. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepLogs } from '../../secret-watch/evidence.ts';
import { signalProcessesWith } from '../processes.ts';
import type { KeyType } from '../result.ts';
import { type BenchHsm, MockBenchHsm } from './hsm.ts';
import type { KeyFiles } from './key-files.ts';
import { SoftHsmToken } from './softhsm-token.ts';

export class Rig {
  readonly folder: string;
  readonly hsm: BenchHsm;
  readonly #keys = new Map<KeyType, Promise<KeyFiles>>();
  readonly #keysOfSoftHsm = new Map<KeyType, Promise<void>>();
  #softHsm: Promise<SoftHsmToken> | undefined;
  #sites = 0;
  readonly #atExit: () => void;

  private constructor(folder: string, hsm: BenchHsm, atExit: () => void) {
    this.folder = folder;
    this.hsm = hsm;
    this.#atExit = atExit;
  }

  /** Starts mock-hsm; or takes `hsm`, which `stop` then ends too. */
  static async start(hsm?: BenchHsm): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'mhsm-bench-'));
    // Workers of nginx look for SoftHSM's token in it; what is secret in here is in files of their own mode.
    chmodSync(folder, 0o711);
    // Whatever ends this process, all that it started has the folder among its arguments.
    const atExit = () => {
      signalProcessesWith(folder, 'SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    };
    process.once('exit', atExit);
    return new Rig(folder, hsm ?? (await MockBenchHsm.start(join(folder, 'mock'))), atExit);
  }

  /** A path for a new subject's files. */
  newFolder(): string {
    const folder = join(this.folder, `subject-${++this.#sites}`);
    mkdirSync(folder);
    return folder;
  }

  /** The files of the run's key of this type, which the HSM holds too. */
  key(keyType: KeyType): Promise<KeyFiles> {
    const known = this.#keys.get(keyType);
    if (known !== undefined) return known;
    const made = this.hsm.key(keyType, this.folder);
    this.#keys.set(keyType, made);
    return made;
  }

  /** The token, with the run's key of this type in it. */
  async softHsmWith(keyType: KeyType): Promise<SoftHsmToken> {
    const key = await this.key(keyType);
    this.#softHsm ??= SoftHsmToken.initialize(join(this.folder, 'softhsm'));
    const token = await this.#softHsm;
    const added = this.#keysOfSoftHsm.get(keyType) ?? token.add(key);
    this.#keysOfSoftHsm.set(keyType, added);
    await added;
    return token;
  }

  async stop(): Promise<void> {
    await this.hsm.stop();
    keepLogs(this.folder);
    process.off('exit', this.#atExit);
    this.#atExit();
  }
}
