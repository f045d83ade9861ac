/** A real HSM as the bench knows one: it cannot be made slower, and it does not tell what it counted. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../demo/process.ts';
import type { ConfigurationObject } from '../../lib/api/configuration-object.ts';
import type { HsmKey } from '../../lib/api/key.ts';
import type { ManagedHsm } from '../../lib/api/managed-hsm.ts';
import { openManagedHsm } from '../../lib/api/open.ts';
import { CKF_RW_SESSION, CKF_SERIAL_SESSION } from '../../lib/pkcs11/constants.ts';
import type { HsmSpeed, KeyType, Point } from '../result.ts';
import type { BareRequest, BenchHsm } from '../subjects/hsm.ts';
import type { KeyFiles } from '../subjects/key-files.ts';
import type { Subject } from '../subjects/subject.ts';
import type { Budget } from './budget.ts';
import type { ConfiguredHsm } from './configured-hsm.ts';
import { keyTypeOf } from './key-type.ts';

const SLOT = 0;
/** Far from the numbers that ManagedHsm counts its own sessions with. */
const OWN_SESSION = 1_000_000;

const NEW_KEY = {
  'RSA-2048': { type: 'RSA', bits: 2048 },
  'RSA-4096': { type: 'RSA', bits: 4096 },
  'P-256': { type: 'EC', curve: 'P-256' },
  'P-384': { type: 'EC', curve: 'P-384' },
} as const;

const SELF_SIGN = join(import.meta.dirname, '../../node_modules/.bin/mhsm-p11');

/** What it takes to use a real HSM. */
export interface Opening {
  readonly configured: ConfiguredHsm;
  readonly budget: Budget;
  /** A key that is there already; undefined: keys are made. */
  readonly keyName: string | undefined;
  /** Takes a line of what was made and deleted, so that a person can tidy up when this program cannot. */
  readonly say: (line: string) => void;
}

/** Servers name a key by its label: where another has it too, that one would be loaded as well, or instead. */
async function onlyOneOfItsLabel(hsm: ManagedHsm, keyName: string): Promise<HsmKey> {
  const key = await hsm.findKey({ name: keyName });
  const others = (await hsm.findKeys({ label: key.label })).filter(({ name }) => name !== key.name);
  if (others.length === 0) return key;
  const named = others.map(({ name }) => name).join(', ');
  throw new Error(
    `key ${keyName} cannot be measured: ${named} is called ${key.label} too. Name a key by --key-name whose label no other has, or leave --key-name out: then one is made`,
  );
}

export class RealBenchHsm implements BenchHsm {
  readonly kind = 'real';
  readonly pid = undefined;
  readonly #configured: ConfiguredHsm;
  readonly #budget: Budget;
  readonly #hsm: ManagedHsm;
  readonly #existing: HsmKey | undefined;
  readonly #made: HsmKey[] = [];
  readonly #say: (line: string) => void;
  /** Names of the keys that are there, or on their way. */
  readonly #names = new Set<string>();
  /** A second Ctrl-C ends the program where it is. */
  readonly #atExit = (): void => {
    if (this.#names.size > 0) this.#say(`not deleted in ${this.#configured.url}: ${[...this.#names].join(', ')}`);
  };

  private constructor({ configured, budget, say }: Opening, hsm: ManagedHsm, existing: HsmKey | undefined) {
    this.#configured = configured;
    this.#budget = budget;
    this.#hsm = hsm;
    this.#existing = existing;
    this.#say = say;
    process.once('exit', this.#atExit);
  }

  /**
   * Logs in, and looks for the key when one is named. Throws Pkcs11Error: CKR_PIN_INCORRECT, CKR_DEVICE_ERROR,
   * CKR_KEY_HANDLE_INVALID; and an Error when another key has its label.
   */
  static async open(opening: Opening): Promise<RealBenchHsm> {
    const { pin, sections, token } = opening.configured;
    const { keyName } = opening;
    // What it deletes are keys that it made.
    const tokens = [{ slotid: SLOT, resourceName: 'bench', allowDestroy: true, ...token }];
    const configuration: ConfigurationObject = { ...sections, tokens };
    const hsm = await openManagedHsm({ configuration, ...(pin === '' ? {} : { credentials: { pin } }) });
    try {
      const existing = keyName === undefined ? undefined : await onlyOneOfItsLabel(hsm, keyName);
      return new RealBenchHsm(opening, hsm, existing);
    } catch (error) {
      await hsm.close();
      throw error;
    }
  }

  get token(): object {
    return this.#configured.token;
  }

  get sections(): object {
    return this.#configured.sections;
  }

  get pin(): string {
    return this.#configured.pin;
  }

  /** Type of the key that is there already; undefined where keys are made. */
  get existingType(): KeyType | undefined {
    return this.#existing && keyTypeOf(this.#existing);
  }

  async key(keyType: KeyType, folder: string): Promise<KeyFiles> {
    const key = this.#existing ?? (await this.#make(keyType));
    const certificateFile = join(folder, `${key.name}.crt`);
    await this.#certify(key, folder, certificateFile);
    return { keyType, label: key.label, id: key.id, keyFile: undefined, certificateFile };
  }

  async #make(keyType: KeyType): Promise<HsmKey> {
    const name = `bench-${keyType.toLowerCase()}-${randomBytes(4).toString('hex')}`;
    this.#names.add(name);
    const key = await this.#hsm.createKey({ ...NEW_KEY[keyType], label: name, name });
    this.#made.push(key);
    this.#say(`created key ${name} in ${this.#configured.url}`);
    return key;
  }

  /** A certificate that the key itself signs, for `localhost`. */
  async #certify({ name }: HsmKey, folder: string, out: string): Promise<void> {
    const { sections, token, pin } = this.#configured;
    const configurationFile = join(folder, 'self-sign.conf');
    const configuration = { ...sections, tokens: [{ slotid: SLOT, resourceName: 'bench', ...token }] };
    writeFileSync(configurationFile, JSON.stringify(configuration), { mode: 0o600 });
    const [clientId, clientSecret] = [pin.slice(0, pin.indexOf(':')), pin.slice(pin.indexOf(':') + 1)];
    const user = pin === '' ? {} : { MHSM_CLIENT_ID: clientId, MHSM_CLIENT_SECRET: clientSecret };
    const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: configurationFile, ...user };
    this.#budget.book(1);
    await mustRun(SELF_SIGN, ['self-sign', '--name', name, '--subject', 'CN=localhost', '--out', out], { env });
  }

  async setSpeed(speed: HsmSpeed): Promise<void> {
    if (speed !== 'real') throw new Error('a real HSM is as fast as it is: its points have the speed "real" alone');
  }

  async signs(): Promise<undefined> {
    return undefined;
  }

  bareRequest(): Promise<BareRequest> {
    throw new Error('bare REST is not measured against a real HSM: the bench has no token of its own there');
  }

  metered(subject: Subject, point: Point): Subject {
    return this.#budget.metered(subject, point);
  }

  /** Deletes the keys that it made. Throws with the names of those that it could not delete. */
  async stop(): Promise<void> {
    const left: string[] = [];
    const { application } = this.#hsm;
    const session = OWN_SESSION;
    try {
      application.openSession({ session, slot: SLOT, flags: CKF_SERIAL_SESSION | CKF_RW_SESSION });
      for (const { handle, name } of this.#made) {
        try {
          await application.destroyObject({ session, object: handle });
          this.#names.delete(name);
          this.#say(`deleted key ${name}`);
        } catch (error) {
          left.push(`${name} (${error instanceof Error ? error.message : String(error)})`);
        }
      }
    } finally {
      await this.#hsm.close();
      process.off('exit', this.#atExit);
    }
    if (left.length > 0) throw new Error(`these keys are left in ${this.#configured.url}: ${left.join(', ')}`);
  }
}
