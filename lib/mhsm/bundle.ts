import type {
  CurveName,
  KeyChanges,
  KeyLifetime,
  KeyOperation,
  KeySummary,
  KeyVersion,
  KeyVersionSummary,
  NewKey,
  PublicKey,
  Tags,
} from '../core/hsm.ts';

/**
 * JSON of the service ↔ the core's types (KeyBundle, KeyItem and KeyOperationResult of the Key Vault REST reference).
 * Nothing is taken on trust: what has another shape than the reference says is an UnexpectedAnswer.
 */

/** An answer that is JSON but not what the reference promises. */
export class UnexpectedAnswer extends Error {}

type Json = Readonly<Record<string, unknown>>;

const EMPTY: Json = {};
/** Field sizes in bytes. */
const CURVE_BYTES: Readonly<Record<CurveName, number>> = { 'P-256': 32, 'P-256K': 32, 'P-384': 48, 'P-521': 66 };
const KEY_ID = /^\/keys\/([0-9a-zA-Z-]+)(?:\/([0-9a-zA-Z]+))?\/?$/;

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : EMPTY;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Name and version (empty when the id has none) in `https://host/keys/{name}[/{version}]`. Throws UnexpectedAnswer. */
function parseKid(kid: unknown): { name: string; version: string } {
  const text = textOf(kid) ?? '';
  const [, name, version = ''] = (URL.canParse(text) && KEY_ID.exec(new URL(text).pathname)) || [];
  if (name === undefined) throw new UnexpectedAnswer(`${JSON.stringify(kid)?.slice(0, 200)} is not a key id`);
  return { name, version };
}

function tagsOf(value: unknown): Tags {
  const entries = Object.entries(objectOf(value));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** A line of a list. Throws UnexpectedAnswer. */
export function summaryOf(item: unknown): KeyVersionSummary {
  const { kid, attributes, tags } = objectOf(item);
  const { enabled, nbf, exp, created, updated } = objectOf(attributes);
  return {
    ...parseKid(kid),
    enabled: enabled !== false,
    notBefore: numberOf(nbf),
    expires: numberOf(exp),
    created: numberOf(created) ?? 0,
    updated: numberOf(updated) ?? 0,
    tags: tagsOf(tags),
  };
}

/** A line of the list of keys, which names no version. Throws UnexpectedAnswer. */
export function listedOf(item: unknown): KeySummary {
  const { version: _none, ...summary } = summaryOf(item);
  return summary;
}

/** A big-endian number, without zero bytes before it, then filled up to its size. */
function integerOf(base64url: unknown, size = 0): Uint8Array {
  const bytes = Buffer.from(textOf(base64url) ?? '', 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first === -1 ? bytes.subarray(0, 0) : bytes.subarray(first);
  return significant.length >= size
    ? significant
    : Buffer.concat([Buffer.alloc(size - significant.length), significant]);
}

function isCurve(name: unknown): name is CurveName {
  return typeof name === 'string' && Object.hasOwn(CURVE_BYTES, name);
}

function publicKeyOf({ kty, n, e, crv, x, y }: Json): PublicKey | undefined {
  const type = textOf(kty) ?? '';
  if (type.startsWith('RSA') && textOf(n) && textOf(e)) {
    return { kty: 'RSA', modulus: integerOf(n), exponent: integerOf(e) };
  }
  if (type.startsWith('EC') && isCurve(crv) && textOf(x) && textOf(y)) {
    const size = CURVE_BYTES[crv];
    return { kty: 'EC', curve: crv, x: integerOf(x, size), y: integerOf(y, size) };
  }
  return undefined;
}

/** One version of a key. Throws UnexpectedAnswer. */
export function versionOf(bundle: unknown): KeyVersion {
  const { key, attributes, tags } = objectOf(bundle);
  const jwk = objectOf(key);
  const summary = summaryOf({ kid: jwk.kid, attributes, tags });
  if (summary.version === '') throw new UnexpectedAnswer(`the key id of ${summary.name} names no version`);
  const operations = Array.isArray(jwk.key_ops) ? (jwk.key_ops as KeyOperation[]) : [];
  return { ...summary, kid: String(jwk.kid), publicKey: publicKeyOf(jwk), operations };
}

/** The bytes of an operation's result; `length` bytes of them where it is known. Throws UnexpectedAnswer. */
export function resultOf(answer: unknown, length?: number): Buffer {
  const value = textOf(objectOf(answer).value);
  if (value === undefined) throw new UnexpectedAnswer('the answer has no value');
  const bytes = Buffer.from(value, 'base64url');
  if (length !== undefined && bytes.length !== length) {
    throw new UnexpectedAnswer(`${bytes.length} bytes instead of ${length}`);
  }
  return bytes;
}

export interface Page {
  readonly items: readonly unknown[];
  /** Where the list goes on: an absolute address. */
  readonly nextLink: string | undefined;
}

/** One page of a list. Throws UnexpectedAnswer. */
export function pageOf(answer: unknown): Page {
  const { value, nextLink } = objectOf(answer);
  if (!Array.isArray(value)) throw new UnexpectedAnswer('the page of the list has no value');
  return { items: value, nextLink: textOf(nextLink) || undefined };
}

function attributesOf({ enabled, notBefore, expires }: Partial<KeyLifetime>): Json {
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
