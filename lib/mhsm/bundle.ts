import type {
  CurveName,
  KeyChanges,
  KeyOperation,
  KeySummary,
  KeyVersion,
  KeyVersionSummary,
  NewKey,
  PublicKey,
} from '../core/hsm.ts';

/** JSON of the service ↔ the core's types (managed-hsm REST, KeyBundle and KeyItem). */

interface Attributes {
  enabled?: boolean;
  nbf?: number;
  exp?: number;
  created?: number;
  updated?: number;
}

interface JsonWebKey {
  kid: string;
  kty: string;
  key_ops?: string[];
  n?: string;
  e?: string;
  crv?: string;
  x?: string;
  y?: string;
}

export interface KeyItem {
  kid: string;
  attributes?: Attributes;
  tags?: Record<string, string>;
}

export interface KeyBundle {
  key: JsonWebKey;
  attributes?: Attributes;
  tags?: Record<string, string>;
}

export interface Page<T> {
  value?: T[];
  nextLink?: string | null;
}

const CURVES: readonly string[] = ['P-256', 'P-256K', 'P-384', 'P-521'] satisfies CurveName[];

/** Name and version (empty when the id has none) in `https://host/keys/{name}[/{version}]`. */
export function parseKid(kid: string): { name: string; version: string } {
  const [, collection, name = '', version = ''] = new URL(kid).pathname.split('/');
  if (collection !== 'keys' || name === '') throw new Error(`not a key id: ${kid}`);
  return { name, version };
}

export function summaryOf({ kid, attributes = {}, tags = {} }: KeyItem): KeyVersionSummary {
  return {
    ...parseKid(kid),
    enabled: attributes.enabled ?? true,
    notBefore: attributes.nbf,
    expires: attributes.exp,
    created: attributes.created ?? 0,
    updated: attributes.updated ?? 0,
    tags,
  };
}

export function listedOf(item: KeyItem): KeySummary {
  const { version: _none, ...summary } = summaryOf(item);
  return summary;
}

function bytes(base64url: string | undefined): Uint8Array {
  return Buffer.from(base64url ?? '', 'base64url');
}

function publicKeyOf({ kty, n, e, crv, x, y }: JsonWebKey): PublicKey | undefined {
  if (kty.startsWith('RSA')) return { kty: 'RSA', modulus: bytes(n), exponent: bytes(e) };
  if (kty.startsWith('EC') && crv !== undefined && CURVES.includes(crv)) {
    return { kty: 'EC', curve: crv as CurveName, x: bytes(x), y: bytes(y) };
  }
  return undefined;
}

export function versionOf({ key, attributes, tags }: KeyBundle): KeyVersion {
  const item: KeyItem = { kid: key.kid, ...(attributes && { attributes }), ...(tags && { tags }) };
  return {
    ...summaryOf(item),
    kid: key.kid,
    publicKey: publicKeyOf(key),
    operations: (key.key_ops ?? []) as KeyOperation[],
  };
}

function attributesOf({ enabled, notBefore, expires }: NewKey['lifetime']): Attributes {
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(notBefore === undefined ? {} : { nbf: notBefore }),
    ...(expires === undefined ? {} : { exp: expires }),
  };
}

/** Body of a create request. */
export function createBody({ key, operations, tags, lifetime }: NewKey): string {
  const kind = key.kty === 'RSA' ? { kty: 'RSA-HSM', key_size: key.bits } : { kty: 'EC-HSM', crv: key.curve };
  return JSON.stringify({ ...kind, key_ops: operations, attributes: attributesOf(lifetime), tags });
}

/** Body of an update request: what is absent stays as it is. */
export function updateBody({ operations, tags, lifetime }: KeyChanges): string {
  return JSON.stringify({
    ...(operations && { key_ops: operations }),
    ...(tags && { tags }),
    ...(lifetime && { attributes: attributesOf(lifetime) }),
  });
}
