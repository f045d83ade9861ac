/** C_SetAttributeValue (section 5.7): labels, ids, usage and dates of a key, kept in tags, key_ops, nbf and exp. */

import * as ck from '../pkcs11/constants.ts';
import { holderOf, type Side, type TaggedAttribute, taggedAttribute } from '../tags/attributes.ts';
import { encodeTags } from '../tags/codec.ts';
import { EMPTY, equalBytes, toBoolean } from '../tags/values.ts';
import type { Attribute } from './calls.ts';
import type { KeyChanges, KeyOperation, KeyVersion } from './hsm.ts';
import { type KeyObject, usageOperations } from './key.ts';
import { keyAttribute } from './key-attributes.ts';
import { checkTagged, timeOf } from './key-template.ts';
import {
  attributeReadOnly,
  attributeTypeInvalid,
  objectHandleInvalid,
  templateInconsistent,
  tooManyTags,
} from './refusals.ts';
import type { TokenAccess } from './token-access.ts';

type Values = Record<Side, Map<number, Uint8Array>>;

function settable(object: KeyObject, type: number): { row: TaggedAttribute; holder: Side } {
  const row = taggedAttribute(type);
  const holder = row === undefined ? undefined : holderOf(row, object.kind);
  if (row !== undefined && holder !== undefined && type !== ck.CKA_KEY_TYPE) return { row, holder };
  const exists = keyAttribute(object, type) !== undefined || type === ck.CKA_DESTROYABLE;
  throw exists ? attributeReadOnly(type) : attributeTypeInvalid(type);
}

function readChanges(object: KeyObject, template: readonly Attribute[]): Values {
  const values: Values = { private: new Map(), public: new Map() };
  for (const { type, value } of template) {
    const { holder } = settable(object, type);
    const bytes = value ?? EMPTY;
    checkTagged(type, bytes);
    const earlier = values[holder].get(type);
    if (earlier !== undefined && !equalBytes(earlier, bytes)) throw templateInconsistent('an attribute has two values');
    values[holder].set(type, bytes);
  }
  return values;
}

function changedOperations(current: readonly KeyOperation[], changes: Values): KeyOperation[] | undefined {
  const operations = new Set(current);
  for (const { type, side, operation } of usageOperations) {
    const value = changes[side].get(type);
    if (value === undefined) continue;
    if (toBoolean(value) === true) operations.add(operation);
    else operations.delete(operation);
  }
  const same = operations.size === current.length && current.every((operation) => operations.has(operation));
  return same ? undefined : [...operations];
}

/** An empty date takes the time away. */
function changedLifetime(changes: Values): KeyChanges['lifetime'] | undefined {
  const start = changes.private.get(ck.CKA_START_DATE);
  const end = changes.private.get(ck.CKA_END_DATE);
  if (start === undefined && end === undefined) return undefined;
  return {
    ...(start === undefined ? {} : { notBefore: timeOf(ck.CKA_START_DATE, start) ?? null }),
    ...(end === undefined ? {} : { expires: timeOf(ck.CKA_END_DATE, end) ?? null }),
  };
}

/** The newest state of the version: a list of versions is never answered from a cache. */
async function currentState(access: TokenAccess, object: KeyObject): Promise<KeyVersion> {
  const { key } = object;
  await access.keys.read(key);
  const version = await access.identity.getKey(key.name, key.versionId);
  const listed = (await access.identity.listVersions(key.name)).find((it) => it.version === version.version);
  if (listed === undefined) throw objectHandleInvalid(object.handle);
  return { ...version, ...listed };
}

/**
 * Sets attributes of a key object, all or none. Other tags on the key are kept. Dates belong to both objects at once.
 * CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
 * CKR_DEVICE_MEMORY when the key has no room for another tag. Two hosts that set attributes of one key at the same time
 * can lose one of the changes: the service has no conditional update.
 */
export async function setAttributes(
  access: TokenAccess,
  object: KeyObject,
  template: readonly Attribute[],
): Promise<void> {
  const values = readChanges(object, template);
  if (values.private.size + values.public.size === 0) return;
  const state = await currentState(access, object);
  const tags = encodeTags(state.tags, values, !object.key.describedByTags);
  if (tags === null) throw tooManyTags(object.key.name);
  const operations = changedOperations(state.operations, values);
  const lifetime = changedLifetime(values);
  const changes: KeyChanges = {
    tags,
    ...(operations === undefined ? {} : { operations }),
    ...(lifetime === undefined ? {} : { lifetime }),
  };
  access.keys.change(object.key, await access.identity.updateKey(state.name, state.version, changes));
}
