// What can be done with keys: everything of the data plane except access control and HTTP.
import { randomBytes } from 'node:crypto';
import { badParameter, forbidden, immutableReleasePolicy } from '../service-error.ts';
import type { Seal } from '../store/seal.ts';
import { withoutUnset } from '../without-unset.ts';
import type { CryptoJob, CryptoResult } from './crypto-job.ts';
import { type CryptoPool, CryptoWorkerError, type LoadedKey, maxLoadedKeys } from './crypto-pool.ts';
import { expiryOfRotated } from './durations.ts';
import { generateMaterial, type NewMaterial, ofSecret, openMaterial, readJwk, specOf } from './key-material.ts';
import type { Deletion, Key, KeyVersion } from './key-model.ts';
import { newestOf } from './key-model.ts';
import type { KeyRing } from './key-ring.ts';
import { assertTimes, hsmType, keyOpsOf, keySpecOf } from './key-rules.ts';
import { decodeTransfer, unwrapTransferred } from './key-transfer.ts';
import { RecentlyUsed } from './recently-used.ts';
import { type ReleasePolicy, type ReleasePolicyBody, readReleasePolicy } from './release-policy.ts';
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
  readonly release_policy?: ReleasePolicyBody | null | undefined;
}

export class KeyService {
  readonly ring: KeyRing;
  readonly pool: PoolSettings;
  readonly #seal: Seal;
  readonly #crypto: CryptoPool;
  readonly #nowS: () => number;
  /** By version id. */
  readonly #loaded: RecentlyUsed<LoadedKey>;

  constructor(ring: KeyRing, pool: PoolSettings, seal: Seal, crypto: CryptoPool, nowS: () => number) {
    this.ring = ring;
    this.pool = pool;
    this.#seal = seal;
    this.#crypto = crypto;
    this.#nowS = nowS;
    this.#loaded = new RecentlyUsed(maxLoadedKeys, (version) => crypto.forget(version));
    ring.whenGone(({ versions }) => {
      for (const { version } of versions) this.#loaded.delete(version);
    });
  }

  /** A new key, or a new version of a live one. */
  async create(name: string, body: KeyCreateBody): Promise<KeyVersion> {
    this.ring.assertCanAdd(name);
    const spec = keySpecOf(body);
    // Generating takes its time: what is wrong with the rest should not wait for it.
    const described = this.#describe(name, spec.kty, body);
    return this.#add(name, await generateMaterial(spec), described);
  }

  import(name: string, body: KeyImportBody): KeyVersion {
    this.ring.assertCanAdd(name);
    const kty = hsmType(body.key.kty);
    const { key_hsm } = body.key;
    const made = key_hsm == null ? readJwk(kty, body.key) : ofSecret(kty, this.#unwrapBrought(key_hsm));
    const key_ops = body.key_ops ?? body.key.key_ops;
    return this.#add(name, made, this.#describe(name, kty, { ...body, key_ops }));
  }

  /** The same kind of key again, with the operations, policy and tags of the newest version. @param atS Unix seconds */
  async rotate(name: string, atS: number = this.#nowS()): Promise<KeyVersion> {
    this.ring.assertCanAdd(name);
    const key = this.ring.live(name);
    const { material, keyOps, tags, exportable, releasePolicy } = newestOf(key);
    const exp = expiryOfRotated(key.rotationPolicy?.attributes.expiryTime, atS);
    const described = { keyOps, tags, exportable, enabled: true, ...withoutUnset({ releasePolicy, exp }) };
    const made = await generateMaterial(specOf(material));
    // It may have been purged meanwhile, and must not come back.
    this.ring.live(name);
    return this.#add(name, made, described, atS);
  }

  /** Changes what the body names; an explicit null takes nbf or exp away. */
  update(name: string, version: string | undefined, body: KeyUpdateBody): KeyVersion {
    const old = this.ring.version(name, version);
    const { enabled, nbf, exp, exportable } = body.attributes ?? {};
    if (exportable != null && exportable !== old.exportable) throw badParameter('exportable cannot be changed');
    const { nbf: oldNbf, exp: oldExp, ...kept } = old;
    const times = { nbf: nbf === undefined ? oldNbf : nbf, exp: exp === undefined ? oldExp : exp };
    assertTimes(times);
    const { kty } = old.material;
    const changed: KeyVersion = {
      ...kept,
      ...(body.key_ops == null ? {} : { keyOps: keyOpsOf(body.key_ops, { kty, exportable: old.exportable }) }),
      enabled: enabled ?? old.enabled,
      ...withoutUnset(times),
      tags: body.tags ?? old.tags,
      ...(body.release_policy == null ? {} : { releasePolicy: changedPolicy(old, body.release_policy) }),
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

  /** Runs `job` with the key if its attributes allow `use`. Throws BadParameter when a ciphertext does not decrypt. */
  async use(key: KeyVersion, use: KeyUse, job: CryptoJob): Promise<CryptoResult> {
    assertUsable(key, use, this.#nowS());
    const loaded = this.#load(key);
    if (job.operation !== 'decrypt') return this.#crypto.run(job, loaded);
    try {
      return await this.#crypto.run(job, loaded);
    } catch (error) {
      if (error instanceof CryptoWorkerError) throw error;
      throw badParameter(`The value could not be decrypted with this key and ${job.algorithm}`);
    }
  }

  /** Throws Forbidden when the key's attributes do not allow `use` now. */
  assertUsable(key: KeyVersion, use: KeyUse): void {
    assertUsable(key, use, this.#nowS());
  }

  /** PKCS#8 DER or raw bytes, for release and backup alone. */
  secretOf(key: KeyVersion): Buffer {
    return this.#seal.open(key.sealedKey, key.version);
  }

  /** The version with its secret encrypted at rest here. */
  sealed(key: Omit<KeyVersion, 'sealedKey'>, secret: Buffer): KeyVersion {
    return { ...key, sealedKey: this.#seal.close(secret, key.version) };
  }

  /** What a customer wrapped for a key exchange key of this pool. */
  #unwrapBrought(text: string): Buffer {
    const blob = decodeTransfer(text);
    if (blob === undefined) throw badParameter('key_hsm is not a key transfer blob');
    const path = /\/keys\/([0-9a-zA-Z-]{1,127})\/([0-9a-f]{32})$/i.exec(blob.kid);
    if (path?.[1] === undefined) throw badParameter('The kid of key_hsm does not name a version of a key');
    const exchangeKey = this.ring.version(path[1], path[2]?.toLowerCase());
    assertUsable(exchangeKey, 'import', this.#nowS());
    try {
      return unwrapTransferred(blob.enc, this.#load(exchangeKey).key, blob.ciphertext);
    } catch {
      throw badParameter(`key_hsm could not be unwrapped with key ${path[1]} and ${blob.enc}`);
    }
  }

  #describe(name: string, kty: KeyVersion['material']['kty'], body: Described): Description {
    const { enabled, nbf, exp, exportable: asked } = body.attributes ?? {};
    assertTimes({ nbf, exp });
    const exportable = asked ?? false;
    const found = this.ring.find(name);
    const inherited = found?.deletion === undefined ? found?.versions.at(-1)?.releasePolicy : undefined;
    const releasePolicy = newPolicy(exportable, body.release_policy ?? undefined, inherited);
    return {
      keyOps: keyOpsOf(body.key_ops, { kty, exportable }),
      enabled: enabled ?? true,
      exportable,
      tags: body.tags ?? {},
      ...withoutUnset({ nbf, exp, releasePolicy }),
    };
  }

  #add(name: string, made: NewMaterial, description: Description, atS: number = this.#nowS()): KeyVersion {
    const version = this.sealed(
      {
        ...description,
        // A new version keeps the spelling of the first.
        name: this.ring.find(name)?.name ?? name,
        version: randomBytes(16).toString('hex'),
        sequence: this.ring.nextSequence(),
        material: made.material,
        created: atS,
        updated: atS,
      },
      made.secret,
    );
    this.ring.add(version);
    return version;
  }

  #load(key: KeyVersion): LoadedKey {
    const known = this.#loaded.get(key.version);
    if (known !== undefined) return known;
    const loaded = { id: key.version, key: openMaterial(key.material, this.secretOf(key)) };
    this.#loaded.set(key.version, loaded);
    return loaded;
  }
}

type Description = Pick<KeyVersion, 'keyOps' | 'enabled' | 'exportable' | 'tags' | 'nbf' | 'exp' | 'releasePolicy'>;

const policyWithoutExport = () => badParameter('Non-exportable keys must not have release policy');

/** An exportable key has a policy, of its own or of the version before; any other has none. */
function newPolicy(exportable: boolean, body: ReleasePolicyBody | undefined, inherited: ReleasePolicy | undefined) {
  if (!exportable) {
    if (body !== undefined) throw policyWithoutExport();
    return undefined;
  }
  if (body !== undefined) return readReleasePolicy(body);
  if (inherited === undefined) throw badParameter('Exportable keys must have release policy');
  return inherited;
}

function changedPolicy({ exportable, releasePolicy }: KeyVersion, body: ReleasePolicyBody): ReleasePolicy {
  if (!exportable) throw policyWithoutExport();
  const policy = readReleasePolicy(body);
  if (releasePolicy?.immutable === true && policy.data !== releasePolicy.data) throw immutableReleasePolicy();
  return { ...policy, immutable: policy.immutable || releasePolicy?.immutable === true };
}
