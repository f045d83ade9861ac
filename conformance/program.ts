/** A failure as a program: the calls that were made, in TypeScript with pkcs11js, to be run as they stand. */

import * as ck from '../lib/pkcs11/constants.ts';
import { type Family, nameOf } from '../lib/pkcs11/names.ts';
import type { Attribute, AttributeQuery, Mechanism } from '../lib/wire/schema.ts';
import type { Step } from './client.ts';
import type { Preparation } from './keys.ts';
import type { FunctionName, Functions } from './subject.ts';

/** What it is good for to know of a failure besides its calls. */
export interface Story {
  /** Lines for the head of the program. */
  readonly about: readonly string[];
  /** The calls that made the keys of each token, in the order of the slots. */
  readonly preparation: readonly Preparation[];
  readonly steps: readonly Step[];
}

/** Handles by the expression that the program has them in. */
class Names {
  readonly #sessions = new Map<number, string>();
  readonly #objects = new Map<number, string>();
  readonly #slots: readonly number[];
  /** Which of the slots a session is in, by its handle. */
  readonly #slotOfSession = new Map<number, number>();
  #count = 0;

  constructor(slots: readonly number[]) {
    this.#slots = slots;
  }

  /** The slots of the tokens are the program's own; any other number stands for a slot that does not exist. */
  slot(slot: number): string {
    const place = this.#slots.indexOf(slot);
    return place < 0 ? `handle(${slot})` : `at(slots, ${place})`;
  }

  /** The PIN for the token of a session. */
  pin(session: number): string {
    return `at(pins, ${this.#slotOfSession.get(session) ?? 0})`;
  }

  keepSession(handle: number, slot: number): string {
    const variable = this.next('session');
    this.keep('session', handle, variable);
    this.#slotOfSession.set(handle, Math.max(0, this.#slots.indexOf(slot)));
    return variable;
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
const pin = (pin: string, reply: number): string => (reply === ck.CKR_PIN_INCORRECT ? `wrong(${pin})` : pin);

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
  login: ({ session, userType }, names, rv) =>
    `${names.session(session)}, ${constant('CKU', userType)}, ${pin(names.pin(session), rv)}`,
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
function keep({ name, request, reply }: Step, names: Names): string | undefined {
  if (reply.rv !== ck.CKR_OK || reply.values === undefined) return undefined;
  const values = reply.values as Partial<Functions['openSession']['values'] & Functions['findObjects']['values']> &
    Partial<Functions['generateKeyPair']['values']>;
  if (name === 'openSession') {
    return names.keepSession(values.session ?? 0, (request as Functions['openSession']['request']).slot);
  }
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
const { PKCS11_MODULE = '', PKCS11_PIN = '', PKCS11_SECOND_PIN = PKCS11_PIN } = process.env;
const pins = [PKCS11_PIN, PKCS11_SECOND_PIN];
const wrong = (pin: string) => \`\${pin.split(':')[0]}:not-the-secret\`;
const hex = (digits: string) => Buffer.from(digits, 'hex');
const handle = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error('there are not as many slots or objects as there were');
  return item;
}

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
const slots = module.C_GetSlotList(true);
module.C_Finalize();
`;

/** The slots that the calls are about. */
const slotsOf = (steps: readonly Step[]): Set<number> =>
  new Set(steps.flatMap(({ request }) => ('slot' in request ? [request.slot] : [])));

/** The text of a program that makes the calls again: the keys first, on tokens that are empty. */
export function programOf({ about, preparation, steps }: Story): string {
  const names = new Names(preparation.map(({ slot }) => slot));
  const lines = (list: readonly Step[]) => list.map((step) => lineOf(step, names)).join('\n');
  const finalize = "call('C_Finalize', 'CKR_OK', () => module.C_Finalize());";
  const used = slotsOf(steps);
  const keys = preparation.filter(({ slot }) => used.has(slot)).map((made) => `${lines(made.steps)}\n${finalize}`);
  return `// ${about.join('\n// ')}
//
// Run it in the folder of the repository against empty tokens, the first of the module (PKCS11_SECOND_PIN for the second,
// where its PIN is another):
//   PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so PKCS11_PIN=246810 node <this file>

${HEAD}
// The keys of the suite.
${keys.join('\n')}

// The calls that break the promise.
${lines(steps)}
${finalize}
`;
}
