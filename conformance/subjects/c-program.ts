/** The module in a C program (native/test/driver): it forks, and sees the lengths that pkcs11js does not. */

import {
  CK_UNAVAILABLE_INFORMATION,
  CKF_OS_LOCKING_OK,
  CKR_BUFFER_TOO_SMALL,
  CKR_OK,
} from '../../lib/pkcs11/constants.ts';
import type { Attribute, Mechanism, Output } from '../../lib/wire/schema.ts';
import type { Driver } from '../../native/test/driver.ts';
import type { FunctionName, Functions, Program, Reply } from '../subject.ts';

/** How the driver takes a PIN, so that it is in no buffer of its own. */
const MASK = 0x5a;
const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');

/** Words of the arguments (native/test/driver/invoke.c). */
const input = (bytes: Uint8Array) => `in:${hex(bytes)}`;
const pinOf = (pin: Uint8Array | null) => `pin:${hex((pin ?? new Uint8Array(0)).map((byte) => byte ^ MASK))}`;
const output = (capacity: number | null) => `out:${capacity}`;
const mechanismOf = ({ type, parameter }: Mechanism) => `mechanism:${type}=${hex(parameter)}`;
const templateOf = (template: readonly Attribute[]) =>
  `template:${template.map(({ type, value }) => `${type}=${hex(value)}`).join(',')}`;
const ONE = 'numbers:1';

/** Words of the answer. */
function outputOf(word: string | undefined): Output {
  const [length = '0', digits = ''] = (word ?? '').split(':');
  const bytes = Buffer.from(digits, 'hex');
  const isThere = length !== '-1' && bytes.length === Number(length);
  return { length: length === '-1' ? CK_UNAVAILABLE_INFORMATION : Number(length), bytes: isThere ? bytes : null };
}
const numbersOf = (word: string | undefined): number[] => (word ?? '').split(',').filter(Boolean).map(Number);
const numberOf = (word: string | undefined): number => numbersOf(word)[0] ?? 0;

interface Row<F extends FunctionName> {
  readonly words: (request: Functions[F]['request']) => readonly (string | number)[];
  readonly values?: (answer: readonly string[]) => Partial<Functions[F]['values']>;
}

const filled = <N extends string>(name: N) => ({
  values: ([word]: readonly string[]) => ({ [name]: outputOf(word) }) as Record<N, Output>,
});
const withKey = {
  words: ({ session, mechanism, key }: Functions['signInit']['request']) => [session, mechanismOf(mechanism), key],
};

/** CK_TOKEN_INFO as CK_ULONGs: its texts are twelve of them, and the counts of sessions stand behind the flags. */
const TOKEN_INFO = { longs: 26, sessionCount: 14, rwSessionCount: 16 };

/** What each function takes and gives; those that no promise held here calls are not there. */
const rows: { readonly [F in FunctionName]?: Row<F> } = {
  finalize: { words: () => ['null'] },
  getTokenInfo: {
    words: ({ slot }) => [slot, `numbers:${TOKEN_INFO.longs}`],
    values: ([word]) => {
      const numbers = numbersOf(word);
      const { sessionCount, rwSessionCount } = TOKEN_INFO;
      return { sessionCount: numbers[sessionCount] ?? 0, rwSessionCount: numbers[rwSessionCount] ?? 0 };
    },
  },
  openSession: {
    words: ({ slot, flags }) => [slot, flags, 'null', 'null', ONE],
    values: ([word]) => ({ session: numberOf(word) }),
  },
  closeSession: { words: ({ session }) => [session] },
  closeAllSessions: { words: ({ slot }) => [slot] },
  getSessionInfo: {
    words: ({ session }) => [session, 'numbers:4'],
    values: ([word]) => {
      const [slot = 0, state = 0, flags = 0, deviceError = 0] = numbersOf(word);
      return { slot, state, flags, deviceError };
    },
  },
  login: { words: ({ session, userType, pin }) => [session, userType, pinOf(pin)] },
  logout: { words: ({ session }) => [session] },
  findObjectsInit: { words: ({ session, template }) => [session, templateOf(template)] },
  findObjects: {
    words: ({ session, max }) => [session, `list:${max}`],
    values: ([word]) => ({ handles: numbersOf(word) }),
  },
  findObjectsFinal: { words: ({ session }) => [session] },
  getAttributeValue: {
    words: ({ session, object, queries }) => [
      session,
      object,
      `query:${queries.map(({ type, capacity }) => `${type}=${capacity}`).join(',')}`,
    ],
    values: ([word]) => ({ results: (word ?? '').split(',').map(outputOf) }),
  },
  setAttributeValue: { words: ({ session, object, template }) => [session, object, templateOf(template)] },
  destroyObject: { words: ({ session, object }) => [session, object] },
  generateKeyPair: {
    words: ({ session, mechanism, publicTemplate, privateTemplate }) => [
      session,
      mechanismOf(mechanism),
      templateOf(publicTemplate),
      templateOf(privateTemplate),
      ONE,
      ONE,
    ],
    values: ([publicKey, privateKey]) => ({ publicKey: numberOf(publicKey), privateKey: numberOf(privateKey) }),
  },
  signInit: withKey,
  sign: { words: ({ session, data, signature }) => [session, input(data), output(signature)], ...filled('signature') },
  signUpdate: { words: ({ session, part }) => [session, input(part)] },
  signFinal: { words: ({ session, signature }) => [session, output(signature)], ...filled('signature') },
  verifyInit: withKey,
  verify: { words: ({ session, data, signature }) => [session, input(data), input(signature)] },
  verifyUpdate: { words: ({ session, part }) => [session, input(part)] },
  verifyFinal: { words: ({ session, signature }) => [session, input(signature)] },
  digestInit: { words: ({ session, mechanism }) => [session, mechanismOf(mechanism)] },
  digest: { words: ({ session, data, digest }) => [session, input(data), output(digest)], ...filled('digest') },
  digestUpdate: { words: ({ session, part }) => [session, input(part)] },
  digestFinal: { words: ({ session, digest }) => [session, output(digest)], ...filled('digest') },
  encryptInit: withKey,
  encrypt: {
    words: ({ session, data, encrypted }) => [session, input(data), output(encrypted)],
    ...filled('encrypted'),
  },
  decryptInit: withKey,
  decrypt: { words: ({ session, encrypted, data }) => [session, input(encrypted), output(data)], ...filled('data') },
};

/** The C program and its forked children take one command at a time. */
class Commands {
  readonly #load: () => Promise<Driver>;
  #driver: Promise<Driver> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(load: () => Promise<Driver>) {
    this.#load = load;
  }

  run(command: string): Promise<string> {
    this.#driver ??= this.#load();
    const loaded = this.#driver;
    const answer = this.#last.then(async () => (await loaded).run(command));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async end(): Promise<void> {
    await (await this.#driver)?.end();
  }
}

/** The C program is started with the first call; children are forked from it and from each other. */
export class CProgram implements Program {
  readonly #commands: Commands;
  /** Before each command: which child it is for. */
  readonly #prefix: string;
  readonly #end: () => Promise<unknown>;

  private constructor(commands: Commands, prefix: string, end: () => Promise<unknown>) {
    this.#commands = commands;
    this.#prefix = prefix;
    this.#end = end;
  }

  static start(load: () => Promise<Driver>): CProgram {
    const commands = new Commands(load);
    return new CProgram(commands, '', () => commands.end());
  }

  async fork(): Promise<Program> {
    const child = await this.#commands.run(`${this.#prefix}child`);
    const reap = () => this.#commands.run(`${this.#prefix}reap ${child}`);
    return new CProgram(this.#commands, `${this.#prefix}to ${child} `, reap);
  }

  async end(): Promise<void> {
    await this.#end();
  }

  async call<F extends FunctionName>(name: F, request: Functions[F]['request']): Promise<Reply<F>> {
    const row: Row<F> | undefined = rows[name];
    if (row === undefined && name !== 'initialize') throw new Error(`the C program has no words for ${name}`);
    const c = `C_${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    const command = row === undefined ? `init ${CKF_OS_LOCKING_OK}` : `invoke ${c} ${row.words(request).join(' ')}`;
    const [code = '', ...words] = (await this.#commands.run(this.#prefix + command)).split(' ');
    const rv = Number.parseInt(code, 16);
    const hasValues = rv === CKR_OK || rv === CKR_BUFFER_TOO_SMALL;
    return { rv, values: hasValues ? ((row?.values?.(words) ?? {}) as Functions[F]['values']) : undefined };
  }
}
