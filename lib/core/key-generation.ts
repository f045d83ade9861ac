/** C_GenerateKeyPair (section 5.14): a key in the HSM, described in its tags so that finding it costs no request. */

import { createHash } from 'node:crypto';
import * as ck from '../pkcs11/constants.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { holderOf, type Side, taggedAttributes } from '../tags/attributes.ts';
import { encodeTags } from '../tags/codec.ts';
import { equalBytes, ofUlong, toBoolean } from '../tags/values.ts';
import type { Attribute, Mechanism } from './calls.ts';
import type { KeyOperation, NewKey } from './hsm.ts';
import { type Key, usageOperations } from './key.ts';
import { chosenName, keyMaterial, lifetimeOf, readTemplate, type Template } from './key-template.ts';
import { refuseParameter } from './mechanism-parameters.ts';
import { mechanismFor } from './mechanisms.ts';
import { attributeValueInvalid, templateIncomplete, templateInconsistent, tooManyTags } from './refusals.ts';
import type { TokenAccess } from './token-access.ts';

/** Bytes that nobody can guess. */
export type Random = (bytes: number) => Uint8Array;

export interface KeyPairRequest {
  mechanism: Mechanism;
  publicTemplate: readonly Attribute[];
  privateTemplate: readonly Attribute[];
}

const NAME_PREFIX = 'p11-';
const NAME_RANDOM_BYTES = 16;

type Templates = Readonly<Record<Side, Template>>;

/** The tagged attributes of both templates. Shared ones may be in either, and must agree where they are in both. */
function taggedValues(templates: Templates, keyType: number, name: string): Record<Side, Map<number, Uint8Array>> {
  const values = { private: new Map<number, Uint8Array>(), public: new Map<number, Uint8Array>() };
  for (const row of taggedAttributes) {
    for (const side of ['private', 'public'] as const) {
      const value = templates[side].get(row.type);
      const holder = holderOf(row, side);
      if (value === undefined || holder === undefined) continue;
      const earlier = values[holder].get(row.type);
      if (earlier !== undefined && !equalBytes(earlier, value)) {
        throw templateInconsistent(`the templates differ in ${row.name}, which both objects share`);
      }
      values[holder].set(row.type, value);
    }
  }
  values.private.set(ck.CKA_KEY_TYPE, ofUlong(keyType));
  completeId(values, name);
  return values;
}

/** One CKA_ID given counts for both halves; with none, it is the SHA-1 of the key name, 20 bytes. */
function completeId(values: Record<Side, Map<number, Uint8Array>>, name: string): void {
  const given = values.private.get(ck.CKA_ID) ?? values.public.get(ck.CKA_ID);
  const id = given ?? Uint8Array.from(createHash('sha1').update(name).digest());
  for (const side of ['private', 'public'] as const) if (!values[side].has(ck.CKA_ID)) values[side].set(ck.CKA_ID, id);
}

const RSA_ONLY = new Set<KeyOperation>(['encrypt', 'decrypt', 'wrapKey', 'unwrapKey']);

/** key_ops for the usage attributes; what the templates leave open is CKA_SIGN and CKA_VERIFY. */
function operationsOf(values: Readonly<Record<Side, Template>>, keyType: number): KeyOperation[] {
  const operations = usageOperations
    .filter(({ type, side, operation }) => {
      const given = values[side].get(type);
      return given === undefined ? operation === 'sign' || operation === 'verify' : toBoolean(given) === true;
    })
    .map((row) => row.operation);
  if (keyType === ck.CKK_EC && operations.some((operation) => RSA_ONLY.has(operation))) {
    throw templateInconsistent('EC keys in the HSM sign and verify, and nothing else');
  }
  if (operations.length === 0) throw templateInconsistent('the templates leave the key without any use');
  return operations;
}

function requireTokenObjects(templates: Templates): void {
  if (!templates.private.has(ck.CKA_TOKEN)) throw templateIncomplete(ck.CKA_TOKEN);
}

function newName(random: Random): string {
  return NAME_PREFIX + Buffer.from(random(NAME_RANDOM_BYTES)).toString('hex');
}

/** A request understood: what the HSM shall make. */
function newKey(request: KeyPairRequest, random: Random): { key: NewKey; nameIsChosen: boolean } {
  const { mechanism } = request;
  const row = mechanismFor('generation', mechanism.type);
  refuseParameter(mechanism);
  const templates = {
    private: readTemplate('private', request.privateTemplate),
    public: readTemplate('public', request.publicTemplate),
  };
  requireTokenObjects(templates);
  const material = keyMaterial(row.keyType, templates.public, templates.private);
  const chosen = chosenName(templates.private);
  const name = chosen ?? newName(random);
  const values = taggedValues(templates, row.keyType, name);
  const operations = operationsOf(values, row.keyType);
  const tags = encodeTags({}, values);
  if (tags === null) throw tooManyTags(name);
  return {
    key: { name, key: material, operations, tags, lifetime: lifetimeOf(values.private) },
    nameIsChosen: chosen !== undefined,
  };
}

/**
 * Makes the key. Its name is `p11-` and 32 hexadecimal digits, or CKA_MHSM_KEY_NAME of the private template; a chosen
 * name that exists is refused, because the service would make a new version of that key.
 *
 * Only token objects: the private template must say CKA_TOKEN true (CKR_TEMPLATE_INCOMPLETE), the public key follows.
 * Codes: CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT,
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED,
 * CKR_DOMAIN_PARAMS_INVALID, and those of the HSM.
 */
export async function generateKeyPair(access: TokenAccess, request: KeyPairRequest, random: Random): Promise<Key> {
  const { key, nameIsChosen } = newKey(request, random);
  if (nameIsChosen) {
    const taken = await access.identity.listKeys({ fresh: true });
    if (taken.some(({ name }) => name.toLowerCase() === key.name.toLowerCase())) {
      throw attributeValueInvalid(CKA_MHSM_KEY_NAME, `there is a key ${key.name} already`);
    }
  }
  return access.keys.add(await access.identity.createKey(key));
}
