/** A failure as a program: the calls that were made, in TypeScript with pkcs11js, to be run as they stand. */

import * as ck from '../lib/pkcs11/constants.ts';
import { type Family, nameOf } from '../lib/pkcs11/names.ts';
import type { Attribute, AttributeQuery, Mechanism } from '../lib/wire/schema.ts';
import type { Step } from './client.ts';
import type { FunctionName, Functions } from './subject.ts';

/** What it is good for to know of a failure besides its calls. */
export interface Story {
  /** Lines for the head of the program. */
  readonly about: readonly string[];
  /** The calls that made the keys on an empty token. */
  readonly preparation: readonly Step[];
  readonly steps: readonly Step[];
  /** CK_SLOT_ID of the token. */
  readonly slot: number;
}

/** Handles by the expression that the program has them in. */
class Names {
  readonly #sessions = new Map<number, string>();
  readonly #objects = new Map<number, string>();
  readonly #slot: number;
  #count = 0;

  constructor(slot: number) {
    this.#slot = slot;
  }

  /** The slot of the token is the program's own; any other number stands for a slot that does not exist. */
  slot(slot: number): string {
    return slot === this.#slot ? 'slot' : `handle(${slot})`;
  }

  next(what: string): string {
    this.#count += 1;
    return `${what}${this.#count}`;
  }

  keep(kind: 'session' | 'object', handle: number, expression: string): void {
    (kind === 'session' ? this.#sessions : this.#objects).set(handle, expression);
  }

  session(handle: number): string {
    return this.#sessions.get(handle) ?? `handle(${handle})`;
  }

  object(handle: number): string {
    return this.#objects.get(handle) ?? `handle(${handle})`;
  }
}

const hex = (bytes: Uint8Array | null): string => `hex('${Buffer.from(bytes ?? []).toString('hex')}')`;
const constant = (family: Family, value: number): string => `0x${value.toString(16)} /* ${nameOf(family, value)} */`;
const mechanism = ({ type, parameter }: Mechanism): string =>
  `{ mechanism: ${constant('CKM', type)}${parameter === null ? '' : `, parameter: ${hex(parameter)}`} }`;
const template = (attributes: readonly Attribute[]): string =>
  `[${attributes.map(({ type, value }) => `{ type: ${constant('CKA', type)}, value: ${hex(value)} }`).join(', ')}]`;
const types = (queries: readonly AttributeQuery[]): string =>
  `[${queries.map(({ type }) => `{ type: ${constant('CKA', type)} }`).join(', ')}]`;
const room = (capacity: number | null): string =>
  capacity === null ? 'Buffer.alloc(0) /* NULL: the length */' : `Buffer.alloc(${capacity})`;
/** A PIN is never printed: the programs take the right one, and make a wrong one, from the environment. */
const pin = (reply: number): string => (reply === ck.CKR_PIN_INCORRECT ? 'wrongPin' : 'pin');

type Words<F extends FunctionName> = (request: Functions[F]['request'], names: Names, rv: number) => string;

/** The arguments of each function. */
const argumentsOf: { readonly [F in FunctionName]: Words<F> } = {
  initialize: () => `{ flags: 2 /* CKF_OS_LOCKING_OK */ }`,
  finalize: () => '',
  getSlotList: ({ tokenPresent }) => `${tokenPresent}`,
  getSlotInfo: ({ slot }, names) => names.slot(slot),
  getTokenInfo: ({ slot }, names) => names.slot(slot),
  getMechanismList: ({ slot }, names) => names.slot(slot),
  getMechanismInfo: ({ slot, mechanism: type }, names) => `${names.slot(slot)}, ${constant('CKM', type)}`,
  openSession: ({ slot, flags }, names) => `${names.slot(slot)}, ${flags}`,
  closeSession: ({ session }, names) => names.session(session),
  closeAllSessions: ({ slot }, names) => names.slot(slot),
  getSessionInfo: ({ session }, names) => names.session(session),
  login: ({ session, userType }, names, rv) => `${names.session(session)}, ${constant('CKU', userType)}, ${pin(rv)}`,
  logout: ({ session }, names) => names.session(session),
  findObjectsInit: (request, names) => `${names.session(request.session)}, ${template(request.template)}`,
  findObjects: ({ session, max }, names) => `${names.session(session)}, ${max}`,
  findObjectsFinal: ({ session }, names) => names.session(session),
  getAttributeValue: ({ session, object, queries }, names) =>
    `${names.session(session)}, ${names.object(object)}, ${types(queries)}`,
  setAttributeValue: (request, names) =>
    `${names.session(request.session)}, ${names.object(request.object)}, ${template(request.template)}`,
  getObjectSize: ({ session, object }, names) => `${names.session(session)}, ${names.object(object)}`,
  createObject: (request, names) => `${names.session(request.session)}, ${template(request.template)}`,
  copyObject: (request, names) =>
    `${names.session(request.session)}, ${names.object(request.object)}, ${template(request.template)}`,
  destroyObject: ({ session, object }, names) => `${names.session(session)}, ${names.object(object)}`,
  generateKeyPair: (request, names) =>
    [
      names.session(request.session),
      mechanism(request.mechanism),
      template(request.publicTemplate),
      template(request.privateTemplate),
    ].join(', '),
  generateRandom: ({ session, length }, names) => `${names.session(session)}, Buffer.alloc(${length})`,
  seedRandom: ({ session, seed }, names) => `${names.session(session)}, ${hex(seed)}`,
  signInit: withKey,
  sign: ({ session, data, signature }, names) => `${names.session(session)}, ${hex(data)}, ${room(signature)}`,
  signUpdate: ({ session, part }, names) => `${names.session(session)}, ${hex(part)}`,
  signFinal: ({ session, signature }, names) => `${names.session(session)}, ${room(signature)}`,
  verifyInit: withKey,
  verify: ({ session, data, signature }, names) => `${names.session(session)}, ${hex(data)}, ${hex(signature)}`,
  verifyUpdate: ({ session, part }, names) => `${names.session(session)}, ${hex(part)}`,
  verifyFinal: ({ session, signature }, names) => `${names.session(session)}, ${hex(signature)}`,
  digestInit: (request, names) => `${names.session(request.session)}, ${mechanism(request.mechanism)}`,
  digest: ({ session, data, digest }, names) => `${names.session(session)}, ${hex(data)}, ${room(digest)}`,
  digestUpdate: ({ session, part }, names) => `${names.session(session)}, ${hex(part)}`,
  digestFinal: ({ session, digest }, names) => `${names.session(session)}, ${room(digest)}`,
  encryptInit: withKey,
  encrypt: ({ session, data, encrypted }, names) => `${names.session(session)}, ${hex(data)}, ${room(encrypted)}`,
  decryptInit: withKey,
  decrypt: ({ session, encrypted, data }, names) => `${names.session(session)}, ${hex(encrypted)}, ${room(data)}`,
};

function withKey(request: { session: number; mechanism: Mechanism; key: number }, names: Names): string {
  return `${names.session(request.session)}, ${mechanism(request.mechanism)}, ${names.object(request.key)}`;
}

/** Where the values of a call stay for the calls that follow. */
function keep({ name, reply }: Step, names: Names): string | undefined {
  if (reply.rv !== ck.CKR_OK || reply.values === undefined) return undefined;
  const values = reply.values as Partial<Functions['openSession']['values'] & Functions['findObjects']['values']> &
    Partial<Functions['generateKeyPair']['values']>;
  if (name === 'openSession') return keepAs(names, 'session', values.session);
  if (name === 'generateKeyPair') {
    const variable = names.next('pair');
    names.keep('object', values.publicKey ?? 0, `${variable}.publicKey`);
    names.keep('object', values.privateKey ?? 0, `${variable}.privateKey`);
    return variable;
  }
  if (name !== 'findObjects' || values.handles?.length === 0) return undefined;
  const variable = names.next('found');
  for (const [i, handle] of (values.handles ?? []).entries()) names.keep('object', handle, `at(${variable}, ${i})`);
  return variable;
}

function keepAs(names: Names, kind: 'session', handle: number | undefined): string {
  const variable = names.next(kind);
  names.keep(kind, handle ?? 0, variable);
  return variable;
}

function lineOf(step: Step, names: Names): string {
  const { name, request, reply } = step;
  const c = `C_${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const words = (argumentsOf[name] as Words<FunctionName>)(request, names, reply.rv);
  const variable = keep(step, names);
  const call = `call('${c}', '${nameOf('CKR', reply.rv).split(' ')[0]}', () => module.${c}(${words}));`;
  return variable === undefined ? call : `const ${variable} = ${call}`;
}

const HEAD = `import { createRequire } from 'node:module';
import type * as Pkcs11js from 'pkcs11js';

const { PKCS11 } = createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11js;
const { PKCS11_MODULE = '', PKCS11_PIN: pin = '' } = process.env;
const wrongPin = \`\${pin.split(':')[0]}:not-the-secret\`;
const hex = (digits: string) => Buffer.from(digits, 'hex');
const handle = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const at = (handles: readonly Buffer[], index: number) => handles[index] ?? handle(0);

/** Says which code a call gives, and which one it gave when the promise was broken. */
function call<T>(name: string, seen: string, make: () => T): T {
  try {
    const result = make();
    console.log(\`\${name} CKR_OK\${seen === 'CKR_OK' ? '' : \` (then: \${seen})\`}\`);
    return result;
  } catch (error) {
    const code = /CKR_\\w+/.exec(String(error))?.[0] ?? String(error);
    console.log(\`\${name} \${code}\${seen === code ? '' : \` (then: \${seen})\`}\`);
    return undefined as T;
  }
}

const module = new PKCS11();
module.load(PKCS11_MODULE);
module.C_Initialize({ flags: 2 });
const slot = at(module.C_GetSlotList(true), 0);
module.C_Finalize();
`;

/** The text of a program that makes the calls again: the keys first, on a token that is empty. */
export function programOf({ about, preparation, steps, slot }: Story): string {
  const names = new Names(slot);
  const lines = (list: readonly Step[]) => list.map((step) => lineOf(step, names)).join('\n');
  return `// ${about.join('\n// ')}
//
// Run it in the folder of the repository against an empty token, the first of the module:
//   PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so PKCS11_PIN=246810 node <this file>

${HEAD}
// The keys of the suite.
${lines(preparation)}
call('C_Finalize', 'CKR_OK', () => module.C_Finalize());

// The calls that break the promise.
${lines(steps)}
call('C_Finalize', 'CKR_OK', () => module.C_Finalize());
`;
}
