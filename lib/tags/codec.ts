/** Attributes to tags and back. Tags that are not ours are never looked at and never lost. */

import { holderOf, type Side, type TaggedAttribute, taggedAttribute, taggedAttributes } from './attributes.ts';
import { equalBytes } from './values.ts';

/** The service's limits: tags a key, and characters (UTF-16 code units) of a tag's name and of its value. */
export const MAX_TAGS = 15;
export const MAX_TAG_CHARACTERS = 256;

export type Tags = Readonly<Record<string, string>>;

/** Attribute type to the bytes of its value, for each of the two objects. Shared attributes are with the private key. */
export type TaggedValues = Readonly<Record<Side, ReadonlyMap<number, Uint8Array>>>;

/** A tag of ours that cannot be read. */
export interface TagProblem {
  tag: string;
  text: string;
  expected: string;
}

export interface DecodedTags {
  values: TaggedValues;
  /** Empty unless the key's tags are damaged. */
  problems: readonly TagProblem[];
}

const PREFIXES: Readonly<Record<Side, string>> = { private: 'p11_pri_', public: 'p11_pub_' };

/** The tag that we write for an attribute of an object. */
export function tagName(row: TaggedAttribute, side: Side): string {
  return PREFIXES[side] + row.name;
}

const spellings = new Map<string, TaggedAttribute>();
for (const row of taggedAttributes) {
  spellings.set(plain(row.name.slice('CKA_'.length)), row);
  spellings.set(plain(row.name), row);
}

/** Lower case without separators: `CKA_KEY_TYPE`, `keyType` and `key-type` meet here. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-. ]/g, '');
}

interface Meaning {
  readonly row: TaggedAttribute;
  readonly side: Side;
  /** The own spelling of the same attribute of the key's other object. */
  readonly twin: string;
}

const OTHER: Readonly<Record<Side, Side>> = { private: 'public', public: 'private' };

function meant(row: TaggedAttribute, side: Side): Meaning {
  return { row, side, twin: tagName(row, OTHER[side]) };
}

/** Thousands of keys have the same few tags. */
const MAX_KNOWN_NAMES = 1000;
const knownNames = new Map<string, Meaning | undefined>();

/** The attribute and object that a tag's name stands for, or undefined when the tag is not ours. */
export function meaningOf(tag: string): Meaning | undefined {
  if (knownNames.has(tag)) return knownNames.get(tag);
  const meaning = spelledOut(tag);
  if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear();
  knownNames.set(tag, meaning);
  return meaning;
}

function spelledOut(tag: string): Meaning | undefined {
  const match = /^p11[_\-. ]?(pri|pub)[_\-. ]?(.+)$/is.exec(tag);
  if (match === null) return undefined;
  const side = match[1]?.toLowerCase() === 'pri' ? 'private' : 'public';
  const rest = match[2] ?? '';
  const row = /^0x[0-9a-f]{1,8}$/i.test(rest) ? taggedAttribute(Number(rest)) : spellings.get(plain(rest));
  if (row === undefined) return undefined;
  // A shared attribute may be spelled on either object; one that the object does not have is not ours.
  if (row.on === 'shared') return meant(row, 'private');
  return holderOf(row, side) === undefined ? undefined : meant(row, side);
}

/** Tags in the order of their claim: our own spelling first, then by name, so that the outcome never hangs on order. */
function inOrderOfClaim(tags: Tags): string[] {
  const names = Object.keys(tags);
  // Then no two mean the same, as on every key made here.
  if (names.every(isOwnSpelling)) return names;
  return names.sort((a, b) => {
    const own = Number(isOwnSpelling(b)) - Number(isOwnSpelling(a));
    if (own !== 0) return own;
    return a < b ? -1 : Number(a > b);
  });
}

const ownNames = new Set(
  taggedAttributes.flatMap((row) =>
    (['private', 'public'] as const).filter((side) => holderOf(row, side) === side).map((side) => tagName(row, side)),
  ),
);

function isOwnSpelling(tag: string): boolean {
  return ownNames.has(tag);
}

/**
 * What the tags of a key say. Never throws: a tag of ours that cannot be read is a problem of that key alone. Of two
 * spellings of one attribute our own wins, then the first by name.
 */
export function decodeTags(tags: Tags): DecodedTags {
  const values = { private: new Map<number, Uint8Array>(), public: new Map<number, Uint8Array>() };
  const problems: TagProblem[] = [];
  for (const tag of inOrderOfClaim(tags)) {
    const meaning = meaningOf(tag);
    if (meaning === undefined) continue;
    const { row, side, twin } = meaning;
    if (values[side].has(row.type)) continue;
    const text = tags[tag] ?? '';
    const tooLong = text.length > MAX_TAG_CHARACTERS;
    // Both objects of a key have the same label and id nearly always.
    const ofTwin = tags[twin] === text ? values[OTHER[side]].get(row.type) : undefined;
    const value = tooLong ? undefined : (ofTwin ?? row.form.read(text));
    if (tooLong) problems.push({ tag, text: text.slice(0, MAX_TAG_CHARACTERS), expected: 'short enough for a tag' });
    else if (value === undefined) problems.push({ tag, text, expected: row.form.expected });
    else values[side].set(row.type, value);
  }
  return { values, problems };
}

/** Whether the value can be kept in a tag at all: well formed, and short enough. */
export function fitsTag(row: TaggedAttribute, value: Uint8Array): boolean {
  const text = row.form.write(value);
  return text !== undefined && text.length <= MAX_TAG_CHARACTERS;
}

/**
 * The tags of a key after setting `changes`: every other tag is kept, other spellings of a changed attribute go, and a
 * value that equals what the lack of the tag means is left out (`keepDefaults` writes it all the same, for keys where
 * the lack of a tag means something else). Values must fit (`fitsTag`). Null when the tags would be more than the
 * service allows.
 */
export function encodeTags(current: Tags, changes: TaggedValues, keepDefaults = false): Tags | null {
  const tags = new Map<string, string>();
  for (const [tag, text] of Object.entries(current)) {
    const meaning = meaningOf(tag);
    if (meaning === undefined || !changes[meaning.side].has(meaning.row.type)) tags.set(tag, text);
  }
  for (const side of ['private', 'public'] as const) {
    for (const [type, value] of changes[side]) {
      const row = taggedAttribute(type);
      if (row === undefined || holderOf(row, side) !== side) continue;
      if (!keepDefaults && row.absent !== undefined && equalBytes(row.absent, value)) continue;
      const text = row.form.write(value);
      if (text !== undefined) tags.set(tagName(row, side), text);
    }
  }
  return tags.size > MAX_TAGS ? null : Object.fromEntries(tags);
}
