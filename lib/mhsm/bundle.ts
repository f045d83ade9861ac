import type {
  CurveName,
  KeyChanges,
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
/** The last second that Date knows. */
const MAX_SECONDS = 8.64e12;
const MAX_SHOWN = 200;
const BASE64URL = /^[A-Za-z0-9_-]*={0,2}$/;
/** By itself, without URL: a list has thousands. */
const KEY_ID = /^https?:\/\/[^/?#\s]+\/keys\/([0-9a-zA-Z-]+)(?:\/([0-9a-zA-Z]+))?\/?$/;

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : EMPTY;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Seconds since 1970; undefined also for what is no date any more. */
function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Math.abs(value) <= MAX_SECONDS ? Math.trunc(value) : undefined;
}

/** For a message: what was there instead, however large. */
function shown(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? 'nothing' : `a ${value === null ? 'null' : typeof value}`;
  return JSON.stringify(value.slice(0, MAX_SHOWN));
}

/** Unlike Buffer.from, which skips what is not base64url. */
function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' && BASE64URL.test(value) ? Buffer.from(value, 'base64url') : undefined;
}

/** Name and version (empty when the id has none) in `https://host/keys/{name}[/{version}]`. Throws UnexpectedAnswer. */
function parseKid(kid: unknown): { name: string; version: string } {
  const text = textOf(kid) ?? '';
  const [, name, version = ''] = KEY_ID.exec(text) ?? [];
  if (name === undefined) throw new UnexpectedAnswer(`${shown(kid)} is not a key id`);
  return { name, version };
}

function allTexts(tags: Json): tags is Tags {
  return Object.values(tags).every((text) => typeof text === 'string');
}

/** Tags that are no text are kept apart: the key is told of by name, and no other key suffers. */
function tagsOf(value: unknown): { tags: Tags; oddTags?: Tags } {
  const all = objectOf(value);
  if (allTexts(all)) return { tags: all };
  const entries = Object.entries(all);
  const tags = Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  const odd = entries.filter(([, text]) => typeof text !== 'string');
  return { tags, oddTags: Object.fromEntries(odd.map(([tag, it]) => [tag, JSON.stringify(it).slice(0, MAX_SHOWN)])) };
}

/** A line of a list. Throws UnexpectedAnswer. */
export function summaryOf(item: unknown): KeyVersionSummary {
  const { kid, attributes, tags } = objectOf(item);
  const { enabled, nbf, exp, created, updated } = objectOf(attributes);
  return {
    ...parseKid(kid),
    enabled: enabled !== false,
    notBefore: timeOf(nbf),
    expires: timeOf(exp),
    created: timeOf(created) ?? 0,
    updated: timeOf(updated) ?? 0,
    ...tagsOf(tags),
  };
}

/** A line of the list of keys, which names no version. Throws UnexpectedAnswer. */
export function listedOf(item: unknown): KeySummary {
  const { version: _none, ...summary } = summaryOf(item);
  return summary;
}

/**
 * A big-endian number, without zero bytes before it; undefined when it is none. In memory of its own: a Buffer would
 * keep the eight KiB alive from which Node cut it, for as long as the key is held.
 */
function integerOf(base64url: unknown): Uint8Array | undefined {
  const bytes = bytesOf(base64url);
  const first = bytes?.findIndex((byte) => byte !== 0) ?? -1;
  return first === -1 ? undefined : bytes && Uint8Array.from(bytes.subarray(first));
}

/** The same, filled up to a size; undefined also when it is longer. */
function coordinateOf(base64url: unknown, size: number): Uint8Array | undefined {
  const significant = integerOf(base64url);
  if (significant === undefined || significant.length > size) return undefined;
  const coordinate = new Uint8Array(size);
  coordinate.set(significant, size - significant.length);
  return coordinate;
}

function isCurve(name: unknown): name is CurveName {
  return typeof name === 'string' && Object.hasOwn(CURVE_BYTES, name);
}

function publicKeyOf({ kty, n, e, crv, x, y }: Json): PublicKey | undefined {
  const type = textOf(kty) ?? '';
  if (type.startsWith('RSA')) {
    const [modulus, exponent] = [integerOf(n), integerOf(e)];
    return modulus && exponent && { kty: 'RSA', modulus, exponent };
  }
  if (type.startsWith('EC') && isCurve(crv)) {
    const [left, right] = [coordinateOf(x, CURVE_BYTES[crv]), coordinateOf(y, CURVE_BYTES[crv])];
    return left && right && { kty: 'EC', curve: crv, x: left, y: right };
  }
  return undefined;
}

/** One version of a key. Throws UnexpectedAnswer. */
export function versionOf(bundle: unknown): KeyVersion {
  const { key, attributes, tags } = objectOf(bundle);
  const jwk = objectOf(key);
  const summary = summaryOf({ kid: jwk.kid, attributes, tags });
  if (summary.version === '') throw new UnexpectedAnswer(`the key id of ${summary.name} names no version`);
  const listed: readonly unknown[] = Array.isArray(jwk.key_ops) ? jwk.key_ops : [];
  const operations = listed.filter((operation): operation is KeyOperation => typeof operation === 'string');
  return { ...summary, kid: String(jwk.kid), publicKey: publicKeyOf(jwk), operations };
}

/** A key by its name, which the service takes in any case, and by its version where that matters. */
export interface KeyName {
  readonly name: string;
  readonly version?: string | undefined;
}

function isKey(asked: KeyName, { name, version }: Required<KeyName>): boolean {
  const sameVersion = asked.version === undefined || asked.version.toLowerCase() === version?.toLowerCase();
  return sameVersion && asked.name.toLowerCase() === name.toLowerCase();
}

/** As `versionOf`; UnexpectedAnswer too when it is another key than the one that was asked for. */
export function versionOfKey(asked: KeyName): (bundle: unknown) => KeyVersion {
  return (bundle) => {
    const key = versionOf(bundle);
    if (isKey(asked, key)) return key;
    throw new UnexpectedAnswer(`it is about ${shown(key.kid)}`);
  };
}

/** The bytes of an operation's result; `length` bytes of them where it is known. Throws UnexpectedAnswer. */
export function resultOf(answer: unknown, length?: number): Buffer {
  const { value } = objectOf(answer);
  if (value === undefined) throw new UnexpectedAnswer('the answer has no value');
  const bytes = bytesOf(value);
  if (bytes === undefined) throw new UnexpectedAnswer(`its value is ${shown(value)} and not base64url`);
  if (length !== undefined && bytes.length !== length) {
    throw new UnexpectedAnswer(`${bytes.length} bytes instead of ${length}`);
  }
  return bytes;
}

/** As `resultOf`; UnexpectedAnswer too when another key than the one that was asked has made it. */
export function resultOfKey(asked: KeyName): (answer: unknown) => Buffer {
  return (answer) => {
    const { kid } = objectOf(answer);
    if (kid !== undefined && !isKey(asked, parseKid(kid))) throw new UnexpectedAnswer(`it is about ${shown(kid)}`);
    return resultOf(answer);
  };
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

/** JSON leaves out what is undefined and keeps null. */
function attributesOf({ enabled, notBefore, expires }: NonNullable<KeyChanges['lifetime']>): Json {
  return { enabled, nbf: notBefore, exp: expires };
}

/** Body of a create request. */
export function createBody({ key, operations, tags, lifetime }: NewKey): string {
  const kind = key.kty === 'RSA' ? { kty: 'RSA-HSM', key_size: key.bits } : { kty: 'EC-HSM', crv: key.curve };
  return JSON.stringify({ ...kind, key_ops: operations, attributes: attributesOf(lifetime), tags });
}

/** Body of an update request: what is absent stays as it is, null takes nbf or exp away. */
export function updateBody({ operations, tags, lifetime }: KeyChanges): string {
  return JSON.stringify({
    ...(operations && { key_ops: operations }),
    ...(tags && { tags }),
    ...(lifetime && { attributes: attributesOf(lifetime) }),
  });
}
