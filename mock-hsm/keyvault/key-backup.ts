// Keys in the form in which they leave the pool for a backup: with their secrets, encrypted under the key of the
// security domain, so that they come back into this pool or another one with the same domain, and nowhere else.
import { malformedBackupBlob } from '../service-error.ts';
import type { Seal } from '../store/seal.ts';
import type { Key, KeyVersion } from './key-model.ts';
import type { KeyService } from './key-service.ts';

/** A version with its secret in base64url instead of one that only this store can open. */
export type PortableVersion = Omit<KeyVersion, 'sealedKey'> & { readonly secret: string };

export type PortableKey = Omit<Key, 'versions'> & { readonly versions: readonly PortableVersion[] };

export class KeyBackups {
  readonly #keys: KeyService;
  readonly #domainSeal: () => Seal;

  /** @param domainSeal the seal of the security domain; it changes when another domain is uploaded */
  constructor(keys: KeyService, domainSeal: () => Seal) {
    this.#keys = keys;
    this.#domainSeal = domainSeal;
  }

  /** An opaque base64url blob with all versions of a live key and its rotation policy. Throws KeyNotFound. */
  backup(name: string): string {
    const text = JSON.stringify(this.#portable(this.#keys.ring.live(name)));
    return this.#domainSeal().close(Buffer.from(text), 'keyBackup');
  }

  /** Brings a key back under its old name and version ids. Throws MalformedBackupBlob for a foreign one, Conflict. */
  restore(blob: Buffer): Key {
    let key: PortableKey;
    try {
      key = JSON.parse(this.#domainSeal().open(blob.toString('base64url'), 'keyBackup').toString()) as PortableKey;
    } catch {
      throw malformedBackupBlob();
    }
    return this.#keys.ring.restore(this.settled(key));
  }

  /** All keys, deleted ones too, for a backup of the whole pool. */
  snapshot(): PortableKey[] {
    return [...this.#keys.ring.all()].map((key) => this.#portable(key));
  }

  /** The key as this pool keeps it. */
  settled({ versions, ...key }: PortableKey): Key {
    return {
      ...key,
      versions: versions.map(({ secret, ...version }) => this.#keys.sealed(version, Buffer.from(secret, 'base64url'))),
    };
  }

  #portable(key: Key): PortableKey {
    const versions = key.versions.map((version) => {
      const { sealedKey: _, ...rest } = version;
      return { ...rest, secret: this.#keys.secretOf(version).toString('base64url') };
    });
    return { ...key, versions };
  }
}
