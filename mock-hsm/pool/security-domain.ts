// The security domain: the key that ties backups to the pool, and whether the pool is activated. A pool that begins
// unactivated does nothing but hand its domain out, or take another pool's in.
import { randomBytes } from 'node:crypto';
import type { SigningIdentity } from '../keyvault/signing-identity.ts';
import { badParameter } from '../service-error.ts';
import { createSeal, type Seal } from '../store/seal.ts';
import { keptSetting, writeSetting } from '../store/settings.ts';
import type { Store } from '../store/store.ts';
import { type CertificateInfo, decodeUpload, encodeDomain } from './domain-format.ts';

const settingName = 'securityDomain';

interface DomainState {
  /** base64url of 32 bytes. */
  readonly key: string;
  /** Absent until the pool is served for the first time; it counts as activated then. */
  readonly activated?: boolean;
}

/** What was last asked of the domain. */
export type DomainTransfer = 'download' | 'upload';

export class SecurityDomain {
  readonly #store: Store;
  readonly #transferKey: () => Promise<SigningIdentity>;
  readonly #done = new Set<DomainTransfer>();
  #state: DomainState;
  #seal: Seal;

  private constructor(store: Store, transferKey: () => Promise<SigningIdentity>, state: DomainState) {
    this.#store = store;
    this.#transferKey = transferKey;
    this.#state = state;
    this.#seal = createSeal(Buffer.from(state.key, 'base64url'));
  }

  /** @param activated what a pool begins as; when absent, that is left to a later opening */
  static async open(store: Store, transferKey: () => Promise<SigningIdentity>, activated: boolean | undefined) {
    const make = () => JSON.stringify({ key: randomBytes(32).toString('base64url') } satisfies DomainState);
    const state = JSON.parse(await keptSetting(store, settingName, make)) as DomainState;
    const domain = new SecurityDomain(store, transferKey, state);
    if (state.activated === undefined && activated !== undefined) domain.setActivated(activated);
    return domain;
  }

  get isActivated(): boolean {
    return this.#state.activated ?? true;
  }

  /** For backups: what it encrypts opens in every pool with this domain. */
  get seal(): Seal {
    return this.#seal;
  }

  /** As a download does; or back to a pool that was just made, for tests of what clients do then. */
  setActivated(activated: boolean): void {
    this.#keep({ ...this.#state, activated });
  }

  /** The domain for the owners of these certificates; activates the pool. Throws BadParameter. */
  async download(info: CertificateInfo): Promise<string> {
    const text = await encodeDomain(Buffer.from(this.#state.key, 'base64url'), info);
    this.#done.add('download');
    this.setActivated(true);
    return text;
  }

  /** The certificate that an upload must be encrypted for, as JWK. */
  async transferKey() {
    const { publicKey, x5c, kid } = await this.#transferKey();
    const { n, e } = publicKey.export({ format: 'jwk' });
    const key_ops = ['verify', 'encrypt', 'wrapKey'];
    return { alg: 'RSA-OAEP-256', e, key_ops, kid, kty: 'RSA', n, use: 'enc', 'x5t#S256': kid, x5c: x5c.slice(0, 1) };
  }

  /** Takes another pool's domain in and activates this one. Throws BadParameter. */
  async upload(text: string): Promise<void> {
    if (this.isActivated)
      throw badParameter('The managed HSM is already activated; it cannot take another security domain');
    const key = await decodeUpload(text, (await this.#transferKey()).privateKey);
    this.#keep({ key: key.toString('base64url'), activated: true });
    this.#seal = createSeal(key);
    this.#done.add('upload');
  }

  /** Whether such a transfer was done since this process began. */
  hasDone(transfer: DomainTransfer): boolean {
    return this.#done.has(transfer);
  }

  #keep(state: DomainState): void {
    writeSetting(this.#store, settingName, JSON.stringify(state));
    this.#state = state;
  }
}
