// What can be done with keys: everything of the data plane except access control and HTTP.
import { randomBytes } from 'node:crypto';
import { badParameter, forbidden } from '../service-error.ts';
import type { Seal } from '../store/seal.ts';
import type { CryptoJob, CryptoResult } from './crypto-job.ts';
import type { CryptoPool, LoadedKey } from './crypto-pool.ts';
import { expiryOfRotated } from './durations.ts';
import { generateMaterial, type KeySpec, type NewMaterial, openMaterial, readJwk } from './key-material.ts';
import type { Deletion, Key, KeyType, KeyVersion } from './key-model.ts';
import type { KeyRing } from './key-ring.ts';
import type { KeyAttributes, KeyCreateBody, KeyImportBody, KeyUpdateBody } from './requests.ts';
import { assertUsable, type KeyUse } from './use-policy.ts';

export interface PoolSettings {
  /** 7..90. */
  readonly retentionDays: number;
  readonly purgeProtection: boolean;
}

interface Described {
  readonly key_ops?: readonly string[] | null | undefined;
  readonly attributes?: KeyAttributes | null | undefined;
  readonly tags?: Record<string, string> | null | undefined;
  readonly release_policy?: unknown;
}

const defaultKeyOps: Readonly<Record<KeyType, readonly string[]>> = {
  'RSA-HSM': ['wrapKey', 'decrypt', 'encrypt', 'unwrapKey', 'sign', 'verify'],
  'EC-HSM': ['sign', 'verify'],
  'oct-HSM': ['wrapKey', 'decrypt', 'encrypt', 'unwrapKey'],
};

const sizes: Readonly<Record<KeyType, readonly number[]>> = {
  'RSA-HSM': [2048, 3072, 4096],
  'EC-HSM': [256, 384, 521],
  'oct-HSM': [128, 192, 256],
};

export class KeyService {
  readonly ring: KeyRing;
  readonly pool: PoolSettings;
  readonly #seal: Seal;
  readonly #crypto: CryptoPool;
  readonly #nowS: () => number;
  readonly #loaded = new Map<string, LoadedKey>();

  constructor(ring: KeyRing, pool: PoolSettings, seal: Seal, crypto: CryptoPool, nowS: () => number) {
    this.ring = ring;
    this.pool = pool;
    this.#seal = seal;
    this.#crypto = crypto;
    this.#nowS = nowS;
  }

  /** A new key, or a new version of a live one. */
  async create(name: string, body: KeyCreateBody): Promise<KeyVersion> {
    this.ring.assertCanAdd(name);
    const kty = hsmType(body.kty);
    const bits = body.key_size ?? undefined;
    if (bits !== undefined && !sizes[kty].includes(bits)) {
      throw badParameter(`key_size ${bits} is not supported for ${kty}; supported: ${sizes[kty].join(', ')}`);
    }
    const spec: KeySpec = { kty, bits, curve: body.crv ?? undefined, publicExponent: exponentOf(body.public_exponent) };
    return this.#add(name, await generateMaterial(spec), body);
  }

  import(name: string, body: KeyImportBody): KeyVersion {
    this.ring.assertCanAdd(name);
    const kty = hsmType(body.key.kty);
    return this.#add(name, readJwk(kty, body.key), { ...body, key_ops: body.key_ops ?? body.key.key_ops });
  }

  /** The same kind of key again, with the operations and tags of the newest version. */
  async rotate(name: string): Promise<KeyVersion> {
    this.ring.assertCanAdd(name);
    const { rotationPolicy } = this.ring.live(name);
    const old = this.ring.version(name);
    const { kty, bits, crv } = old.material;
    const made = await generateMaterial({ kty, bits, curve: crv });
    const exp = expiryOfRotated(rotationPolicy?.attributes.expiryTime, this.#nowS());
    const attributes = { exportable: old.exportable, ...(exp === undefined ? {} : { exp }) };
    return this.#add(name, made, { key_ops: old.keyOps, tags: { ...old.tags }, attributes });
  }

  update(name: string, version: string | undefined, body: KeyUpdateBody): KeyVersion {
    const old = this.ring.version(name, version);
    const { enabled, nbf, exp } = body.attributes ?? {};
    const changed: KeyVersion = {
      ...old,
      keyOps: body.key_ops ?? old.keyOps,
      enabled: enabled ?? old.enabled,
      ...(nbf == null ? {} : { nbf }),
      ...(exp == null ? {} : { exp }),
      tags: body.tags ?? old.tags,
      updated: this.#nowS(),
    };
    this.ring.replace(changed);
    return changed;
  }

  delete(name: string): Key & { deletion: Deletion } {
    return this.ring.delete(name, this.pool.retentionDays);
  }

  purge(name: string): void {
    this.ring.deleted(name);
    if (this.pool.purgeProtection) throw forbidden('PurgeProtected', 'Purge is not allowed: purge protection is on');
    this.ring.purge(name);
  }

  /** An opaque blob with all versions, that restores into this pool alone. */
  backup(name: string): string {
    return this.#seal.close(Buffer.from(JSON.stringify(this.ring.live(name).versions)), 'backup');
  }

  restore(blob: Buffer): Key {
    let versions: readonly KeyVersion[];
    try {
      versions = JSON.parse(this.#seal.open(blob.toString('base64url'), 'backup').toString()) as KeyVersion[];
    } catch {
      throw badParameter('The backup blob is damaged or of another pool');
    }
    return this.ring.restore(versions);
  }

  /** Runs `job` with the key if its attributes allow `use`. Throws BadParameter when a ciphertext does not decrypt. */
  async use(key: KeyVersion, use: KeyUse, job: CryptoJob): Promise<CryptoResult> {
    assertUsable(key, use, this.#nowS());
    if (job.operation !== 'decrypt') return this.#crypto.run(job, this.#load(key));
    try {
      return await this.#crypto.run(job, this.#load(key));
    } catch {
      throw badParameter(`The value could not be decrypted with this key and ${job.algorithm}`);
    }
  }

  #add(name: string, { material, secret }: NewMaterial, described: Described): KeyVersion {
    const version = randomBytes(16).toString('hex');
    const { enabled, nbf, exp, exportable } = described.attributes ?? {};
    if ((exportable === true) !== (described.release_policy != null)) {
      throw badParameter('exportable and release_policy must be given together');
    }
    const nowS = this.#nowS();
    const made: KeyVersion = {
      name: this.#spelling(name),
      version,
      sequence: this.ring.nextSequence(),
      material,
      sealedKey: this.#seal.close(secret, version),
      keyOps: described.key_ops ?? defaultKeyOps[material.kty],
      enabled: enabled ?? true,
      ...(nbf == null ? {} : { nbf }),
      ...(exp == null ? {} : { exp }),
      created: nowS,
      updated: nowS,
      exportable: exportable ?? false,
      tags: described.tags ?? {},
      ...(described.release_policy == null ? {} : { releasePolicy: described.release_policy }),
    };
    this.ring.add(made);
    return made;
  }

  /** A new version keeps the spelling of the first. */
  #spelling(name: string): string {
    return this.ring.find(name)?.name ?? name;
  }

  #load(key: KeyVersion): LoadedKey {
    const known = this.#loaded.get(key.version);
    if (known !== undefined) return known;
    const secret = this.#seal.open(key.sealedKey, key.version);
    const loaded = { id: key.version, key: openMaterial(key.material, secret) };
    this.#loaded.set(key.version, loaded);
    return loaded;
  }
}

/** A pool holds HSM keys only and answers a request for another kind with one. */
function hsmType(kty: string): KeyType {
  return (kty.endsWith('-HSM') ? kty : `${kty}-HSM`) as KeyType;
}

function exponentOf(value: number | null | undefined): number | undefined {
  if (value == null) return undefined;
  if (value < 3 || value > 0xffff_ffff || value % 2 === 0)
    throw badParameter(`public_exponent ${value} is not supported`);
  return value;
}
