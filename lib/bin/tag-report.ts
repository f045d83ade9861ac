/** What the tags of a key say, and what they would say if the library wrote them anew from the key. */
import type { KeyVersion, Tags } from '../core/hsm.ts';
import { Key, usageOperations } from '../core/key.ts';
import { keyTypeOf } from '../core/public-key.ts';
import { CKA_END_DATE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_START_DATE } from '../pkcs11/constants.ts';
import type { Side } from '../tags/attributes.ts';
import { encodeTags, meaningOf, tagName } from '../tags/codec.ts';
import { dayOf, ofBoolean, ofDate, ofUlong } from '../tags/values.ts';

export type TagState = 'good' | 'damaged' | 'overruled' | 'stale' | 'unknown' | 'foreign';

export interface TagLine {
  readonly tag: string;
  readonly text: string;
  readonly state: TagState;
  /** `CKA_LABEL` of `private`; undefined for tags that are not the library's. */
  readonly attribute: string | undefined;
  readonly object: Side | undefined;
  /** For a damaged tag what it should look like; for a stale one what the key says. */
  readonly expected: string | undefined;
}

export interface NewIdentification {
  readonly label?: Uint8Array | undefined;
  readonly id?: Uint8Array | undefined;
}

type Values = Record<Side, Map<number, Uint8Array>>;

function dated(values: Map<number, Uint8Array>, type: number, time: number | undefined): void {
  if (time !== undefined && dayOf(time) !== '') values.set(type, ofDate(dayOf(time)));
}

/** The values that the key has: its own where it knows them; label and id as its good tags have them, else defaults. */
function valuesOf(version: KeyVersion, { label, id }: NewIdentification): Values {
  const key = new Key(version, version.version);
  key.material = version;
  const values: Values = { private: new Map(), public: new Map() };
  for (const side of ['private', 'public'] as const) {
    values[side].set(CKA_LABEL, label ?? key.label(side));
    values[side].set(CKA_ID, id ?? key.id(side));
  }
  if (version.publicKey !== undefined) values.private.set(CKA_KEY_TYPE, ofUlong(keyTypeOf(version.publicKey)));
  for (const { type, side, operation } of usageOperations) {
    values[side].set(type, ofBoolean(version.operations.includes(operation)));
  }
  dated(values.private, CKA_START_DATE, version.notBefore);
  dated(values.private, CKA_END_DATE, version.expires);
  return values;
}

/** The tags after a repair: others' are kept, the library's are written anew. Null when they would be too many. */
export function repairedTags(version: KeyVersion, identification: NewIdentification = {}): Tags | null {
  const others = Object.entries(version.tags).filter(([tag]) => meaningOf(tag) === undefined);
  return encodeTags(Object.fromEntries(others), valuesOf(version, identification));
}

/** One line a tag, the library's first. */
export function tagLines(version: KeyVersion): TagLine[] {
  const { values, problems } = new Key(version).tags;
  const fresh = repairedTags(version) ?? {};
  const lines = Object.entries(version.tags).map(([tag, text]): TagLine => {
    const meaning = meaningOf(tag);
    const nothing = { attribute: undefined, object: undefined, expected: undefined };
    if (meaning === undefined)
      return { tag, text, state: /^p11[_\-. ]/i.test(tag) ? 'unknown' : 'foreign', ...nothing };
    const { row, side } = meaning;
    const line = { tag, text, attribute: row.name, object: side };
    const problem = problems.find((each) => each.tag === tag);
    if (problem !== undefined) return { ...line, state: 'damaged', expected: problem.expected };
    const read = row.form.read(text);
    const held = values[side].get(row.type);
    if (read === undefined || held === undefined || !Buffer.from(read).equals(held)) {
      return { ...line, state: 'overruled', expected: held && row.form.write(held) };
    }
    const expected = fresh[tagName(row, side)] ?? (row.absent && row.form.write(row.absent));
    return { ...line, state: row.form.write(read) === (expected ?? '') ? 'good' : 'stale', expected };
  });
  return lines.sort((a, b) => Number(a.attribute === undefined) - Number(b.attribute === undefined));
}

export interface TagChange {
  readonly tag: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What differs between two sets of tags, by name. */
export function changesBetween(before: Tags, after: Tags): TagChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.map((tag) => ({ tag, from: before[tag], to: after[tag] })).filter(({ from, to }) => from !== to);
}
