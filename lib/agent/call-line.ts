/**
 * The line of a PKCS#11 call in the log (log.module.P11Interfaces): function, arguments, CKR code, duration. Of what is
 * signed, encrypted or drawn it says the length alone, and of a PIN that there is one.
 */

import * as ck from '../pkcs11/constants.ts';
import { type Family, nameOf } from '../pkcs11/names.ts';
import { type Attribute, CALLS, type CallName, type FieldType, type FieldValue } from '../wire/schema.ts';
import type { Dispatch } from './dispatch.ts';

/** Most handles, attributes and characters that a line shows of one field. */
const MAX_ITEMS = 16;
const MAX_CHARACTERS = 64;

/** Numbers that have names. */
const FAMILIES: Readonly<Record<string, Family>> = { mechanism: 'CKM', userType: 'CKU', state: 'CKS' };
const HEXADECIMAL: ReadonlySet<string> = new Set(['flags']);

/** Attributes whose value is no secret and says what a search looks for. */
const SHOWN_ATTRIBUTES: Readonly<Record<number, (value: Uint8Array) => string>> = {
  [ck.CKA_LABEL]: (value) => JSON.stringify(Buffer.from(value).toString('utf8').slice(0, MAX_CHARACTERS)),
  [ck.CKA_ID]: (value) => Buffer.from(value).toString('hex').slice(0, MAX_CHARACTERS),
  [ck.CKA_CLASS]: (value) => numberName('CKO', value),
  [ck.CKA_KEY_TYPE]: (value) => numberName('CKK', value),
};

function numberName(family: Family, value: Uint8Array): string {
  const bytes = Buffer.from(value);
  return bytes.length === 8 ? nameOf(family, Number(bytes.readBigUInt64LE())) : `${bytes.length} bytes`;
}

function list<T>(items: readonly T[], shown: (item: T) => string): string {
  const more = items.length > MAX_ITEMS ? `, ${items.length - MAX_ITEMS} more` : '';
  return `[${items.slice(0, MAX_ITEMS).map(shown).join(', ')}${more}]`;
}

const bytesText = (bytes: Uint8Array | null) => (bytes === null ? 'NULL' : `${bytes.length} bytes`);
const capacityText = (capacity: number | null) => (capacity === null ? 'how long?' : `room for ${capacity}`);
const lengthText = (length: number) => (length === ck.CK_UNAVAILABLE_INFORMATION ? 'unavailable' : `${length} bytes`);

function attributeText({ type, value }: Attribute): string {
  const text = value === null ? 'NULL' : (SHOWN_ATTRIBUTES[type]?.(value) ?? bytesText(value));
  return `${nameOf('CKA', type)}=${text}`;
}

function numberText(name: string, value: number): string {
  const family = FAMILIES[name];
  if (family !== undefined) return nameOf(family, value);
  return HEXADECIMAL.has(name) ? `0x${value.toString(16)}` : String(value);
}

/** How a field of each type is shown. */
const TEXTS: { readonly [T in FieldType]: (value: FieldValue[T], name: string) => string } = {
  ulong: (value, name) => numberText(name, value),
  flag: String,
  bytes: bytesText,
  text: (value) => JSON.stringify(value.slice(0, MAX_CHARACTERS)),
  buffer: (value, name) => (name === 'pin' ? (value === null ? 'none' : 'given') : bytesText(value)),
  capacity: capacityText,
  output: ({ length, bytes }) => (bytes === null ? `${lengthText(length)}, not given` : lengthText(length)),
  ulongs: (values, name) => list(values, (value) => (name === 'mechanisms' ? nameOf('CKM', value) : String(value))),
  mechanism: ({ type, parameter }) => nameOf('CKM', type) + (parameter ? ` with ${bytesText(parameter)}` : ''),
  attributes: (attributes) => list(attributes, attributeText),
  queries: (queries) => list(queries, ({ type, capacity }) => `${nameOf('CKA', type)} ${capacityText(capacity)}`),
  outputs: (outputs) => list(outputs, ({ length }) => lengthText(length)),
};

function fieldsText(schema: Readonly<Record<string, FieldType>>, fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(schema).map(([name, type]) => {
    const text = TEXTS[type] as (value: unknown, name: string) => string;
    return ` ${name}=${text(fields[name], name)}`;
  });
  return shown.join('');
}

/** `C_SignInit`; a greeting, and a login that is said again on a new connection, are no functions of PKCS#11. */
export function functionName(call: CallName): string {
  return call === 'resumeLogin' || call === 'hello' ? call : `C_${call.slice(0, 1).toUpperCase()}${call.slice(1)}`;
}

/** Makes calls as `inner` does, and writes a line about each when it is answered. */
export function tracing(inner: Dispatch, write: (line: string) => void): Dispatch {
  return (calls, request, report) => {
    const beginMs = performance.now();
    const { call } = request;
    const asked = `${functionName(call)}${fieldsText(CALLS[call].request, request.fields)}`;
    const told = (response: Awaited<ReturnType<Dispatch>>) => {
      const { rv, fields } = response;
      const given = fields === null ? '' : fieldsText(CALLS[call].response, fields as Record<string, unknown>);
      const microseconds = Math.round((performance.now() - beginMs) * 1000);
      write(`${asked}: ${nameOf('CKR', rv)}${given} in ${microseconds} µs`);
      return response;
    };
    const response = inner(calls, request, report);
    return response instanceof Promise ? response.then(told) : told(response);
  };
}
