/** Signatures by a PKCS#11 module: the library's, or SoftHSM's. */
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';
import { LoadProgram } from '../load-program.ts';
import type { Point } from '../result.ts';
import { type KeyFiles, SIGNATURES } from './key-files.ts';
import { LibrarySite } from './library-site.ts';
import type { Rig } from './rig.ts';
import { SOFTHSM_MODULE } from './softhsm-token.ts';
import type { LoadReport, Processes, Subject } from './subject.ts';

interface Token {
  readonly module: string;
  readonly label: string;
  readonly pin: string;
  readonly env: NodeJS.ProcessEnv;
}

function startSigns(token: Token, { keyType, label, id }: KeyFiles, threads: number): Promise<LoadProgram> {
  const { mechanism, digestBytes } = SIGNATURES[keyType];
  const args = [token.module, token.label, label, mechanism, String(digestBytes), String(threads)];
  if (id !== undefined) args.push(id);
  return LoadProgram.start('signs', args, { env: token.env, firstLine: token.pin });
}

function tokenOf({ tokenLabel, configurationFile }: LibrarySite, { hsm }: Rig): Token {
  const env = { ...MODULE_ENVIRONMENT, MHSM_PKCS11_CONF: configurationFile };
  return { module: MODULE, label: tokenLabel, pin: hsm.pin, env };
}

export class ModuleSigns implements Subject {
  readonly #program: LoadProgram;
  readonly #site: LibrarySite | undefined;

  private constructor(program: LoadProgram, site?: LibrarySite) {
    this.#program = program;
    this.#site = site;
  }

  /** With an agent of its own. */
  static async ofLibrary(point: Point, rig: Rig): Promise<ModuleSigns> {
    const key = await rig.key(point.keyType);
    const site = new LibrarySite(rig.newFolder(), rig.hsm, point);
    try {
      return new ModuleSigns(await startSigns(tokenOf(site, rig), key, point.workers), site);
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  /** A program of its own that finds the agent of `site` running, and leaves it so. */
  static async beside(site: LibrarySite, { keyType, workers }: Point, rig: Rig): Promise<ModuleSigns> {
    return new ModuleSigns(await startSigns(tokenOf(site, rig), await rig.key(keyType), workers));
  }

  static async ofSoftHsm({ keyType, workers }: Point, rig: Rig): Promise<ModuleSigns> {
    const { label, pin, environment } = await rig.softHsmWith(keyType);
    const token = { module: SOFTHSM_MODULE, label, pin, env: environment };
    return new ModuleSigns(await startSigns(token, await rig.key(keyType), workers));
  }

  get site(): LibrarySite | undefined {
    return this.#site;
  }

  /** Microseconds that C_Initialize took. */
  get initializeUs(): number {
    return Number(this.#program.readyWith);
  }

  run(durationMs: number, most?: number): Promise<LoadReport> {
    return this.#program.run(durationMs, most);
  }

  async processes(): Promise<Processes> {
    return { agent: this.#site?.agent, workers: [this.#program.pid], client: [] };
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    await this.#site?.stop();
  }
}
