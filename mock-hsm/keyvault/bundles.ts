// The bodies of answers. Members that are unset are absent, never null; the others come in alphabetical order.
import { withoutUnset } from '../without-unset.ts';
import { type Deletion, type Key, type KeyVersion, newestOf } from './key-model.ts';

/** What every answer needs to know of the pool and the request. */
export interface BundleContext {
  /** `https://` and the authority of the request's Host header, so that ids lead back to where the caller came from. */
  readonly origin: string;
  readonly recoverableDays: number;
  readonly recoveryLevel: string;
  readonly apiVersion: string;
  /** Whether the api-version knows the attribute key_size of symmetric keys. */
  readonly showsSize: boolean;
}

export const kidOf = ({ origin }: BundleContext, { name, version }: KeyVersion) => `${origin}/keys/${name}/${version}`;

export function keyBundle(context: BundleContext, version: KeyVersion) {
  const { kty, n, e, crv, x, y } = version.material;
  const key_ops = version.keyOps.length === 0 ? undefined : version.keyOps;
  return alphabetical({
    attributes: attributesOf(context, version),
    key: alphabetical({ kid: kidOf(context, version), kty, key_ops, n, e, crv, x, y }),
    tags: tagsOf(version),
    release_policy: version.releasePolicy,
  });
}

/** An item of a list: without version in the key list, with it in the list of versions. */
export function keyItem(context: BundleContext, version: KeyVersion, withVersion: boolean) {
  const kid = withVersion ? kidOf(context, version) : `${context.origin}/keys/${version.name}`;
  return alphabetical({ attributes: attributesOf(context, version), kid, tags: tagsOf(version) });
}

export function deletedKeyBundle(context: BundleContext, key: Key & { deletion: Deletion }) {
  return alphabetical({ ...keyBundle(context, newestOf(key)), ...deletionOf(context, key) });
}

export function deletedKeyItem(context: BundleContext, key: Key & { deletion: Deletion }) {
  return alphabetical({ ...keyItem(context, newestOf(key), false), ...deletionOf(context, key) });
}

function deletionOf({ origin }: BundleContext, { name, deletion }: Key & { deletion: Deletion }) {
  return { ...deletion, recoveryId: `${origin}/deletedkeys/${name}` };
}

function attributesOf({ recoverableDays, recoveryLevel, showsSize }: BundleContext, version: KeyVersion) {
  const { created, enabled, exp, exportable, material, nbf, updated } = version;
  const key_size = showsSize && material.kty === 'oct-HSM' ? material.bits : undefined;
  return alphabetical({ created, enabled, exp, exportable, key_size, nbf, recoverableDays, recoveryLevel, updated });
}

const tagsOf = ({ tags }: KeyVersion) => (Object.keys(tags).length === 0 ? undefined : tags);

/** The same members in the order in which pools write them, without those that are undefined. */
export function alphabetical<Members extends object>(members: Members): Members {
  const sorted = Object.entries(withoutUnset(members)).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted) as Members;
}
