/** A failure as a program: what was done in its run, and the promise itself at the end, to be run as they stand. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CKR_OK } from '../lib/pkcs11/constants.ts';
import { type Family, nameOf } from '../lib/pkcs11/names.ts';
import type { Failure, Replay } from './check.ts';
import { literalOf, type Wording } from './literal.ts';
import type { PromiseText } from './promise.ts';
import type { Subject, Token } from './subject.ts';
import type { CallStep, CodecStep, CommandStep, Handles, Step } from './trace.ts';

/** What a program is written from. */
export interface Story {
  readonly promise: PromiseText;
  readonly subject: Pick<Subject, 'name' | 'tokens'>;
  readonly failure: Failure & { readonly replay: Replay };
}

/** The calls of one application, as lines of a program. */
class Calls {
  readonly #tokens: readonly Token[];
  readonly #application: number;
  /** Handles by the expression that the program has them in. */
  readonly #sessions: Map<number, string>;
  readonly #objects: Map<number, string>;
  /** Which of the tokens a session is with, by its handle. */
  readonly #tokenOfSession: Map<number, number>;
  #count = 0;

  /** A forked child has the handles of its parent. */
  constructor(tokens: readonly Token[], application: number, parent?: Calls) {
    this.#tokens = tokens;
    this.#application = application;
    this.#sessions = new Map(parent === undefined ? [] : parent.#sessions);
    this.#objects = new Map(parent === undefined ? [] : parent.#objects);
    this.#tokenOfSession = new Map(parent === undefined ? [] : parent.#tokenOfSession);
  }

  lineOf({ name, request, reply }: CallStep): string {
    const { session } = request as { session?: number };
    const token = this.#tokenOfSession.get(session ?? 0) ?? 0;
    const words = [literalOf(name), literalOf(request, this.#wordingAt(token)), literalOf(nameOf('CKR', reply.rv))];
    if (this.#application > 0) words.push(`${this.#application}`);
    const call = `await again.call(${words.join(', ')});`;
    const variable = reply.rv === CKR_OK ? this.#keep(request, reply.values ?? {}) : undefined;
    return variable === undefined ? call : `const ${variable} = ${call}`;
  }

  /** Words for what is each run's own, and for constants. Everything else stands as it is. */
  readonly #words: Readonly<Record<string, (value: number) => string | undefined>> = {
    slot: (slot) => (this.#indexOf(slot) < 0 ? undefined : `tokens[${this.#indexOf(slot)}].slot`),
    session: (handle) => this.#sessions.get(handle),
    object: (handle) => this.#objects.get(handle),
    key: (handle) => this.#objects.get(handle),
    userType: constant('CKU'),
    mechanism: constant('CKM'),
    'mechanism.type': constant('CKM'),
    'template.type': constant('CKA'),
    'publicTemplate.type': constant('CKA'),
    'privateTemplate.type': constant('CKA'),
    'queries.type': constant('CKA'),
  };

  #wordingAt(token: number): Wording {
    return (place, value) => {
      if (place === 'pin') return this.#wordOfPin(value, token);
      return typeof value === 'number' ? this.#words[place]?.(value) : undefined;
    };
  }

  #indexOf(slot: number): number {
    return this.#tokens.findIndex((token) => token.slot === slot);
  }

  /** A PIN is never printed: the program has it from its subject. */
  #wordOfPin(pin: unknown, token: number): string {
    if (!(pin instanceof Uint8Array)) return 'null';
    const isWrong = Buffer.from(this.#tokens[token]?.wrongPin ?? []).equals(pin);
    return `tokens[${token}].${isWrong ? 'wrongPin' : 'pin'}`;
  }

  /** The variable of a reply whose handles the calls that follow may name. */
  #keep(request: CallStep['request'], values: object): string | undefined {
    const { session, handles = [], publicKey, privateKey } = values as Partial<Handles>;
    const isPair = publicKey !== undefined && privateKey !== undefined;
    if (session === undefined && handles.length === 0 && !isPair) return undefined;
    this.#count += 1;
    const what = session !== undefined ? 'opened' : isPair ? 'made' : 'found';
    const variable = `${what}${this.#application === 0 ? '' : `By${this.#application}_`}${this.#count}`;
    if (session !== undefined) {
      this.#sessions.set(session, `${variable}.session`);
      this.#tokenOfSession.set(session, Math.max(0, this.#indexOf((request as { slot: number }).slot)));
    }
    for (const [at, handle] of handles.entries()) this.#objects.set(handle, `${variable}.handles[${at}] ?? 0`);
    if (isPair) this.#objects.set(publicKey, `${variable}.publicKey`).set(privateKey, `${variable}.privateKey`);
    return variable;
  }
}

/** The name of a constant, without its number. */
const wordOf = (family: Family, value: number) => nameOf(family, value).split(' ')[0] ?? '';
const constant = (family: Family) => (value: number) => `0x${value.toString(16)} /* ${wordOf(family, value)} */`;

type CallsOf = (application: number, parent?: Calls) => Calls;

/** The calls of each application have handles of their own. */
function callsOf(tokens: readonly Token[]): CallsOf {
  const all = new Map<number, Calls>();
  return (application, parent) => {
    const calls = all.get(application) ?? new Calls(tokens, application, parent);
    all.set(application, calls);
    return calls;
  };
}

/** How each kind of step is written. */
const lines: { readonly [K in Step['kind']]: (step: Extract<Step, { kind: K }>, calls: CallsOf) => string } = {
  call: (step, calls) => calls(step.application).lineOf(step),
  fork: ({ from, application }, calls) => {
    calls(application, calls(from));
    return `await again.fork(${from}, ${application});`;
  },
  command: ({ command, answer }: CommandStep) => `await again.command(${literalOf(command)}, ${literalOf(answer)});`,
  codec: ({ name, words, answer }: CodecStep) => `again.codec('${name}', ${literalOf(words)}, ${literalOf(answer)});`,
};

const lineOf = (step: Step, calls: CallsOf): string =>
  (lines[step.kind] as (step: Step, calls: CallsOf) => string)(step, calls);

const ROOT = join(import.meta.dirname, '..');
/** Reports and programs. */
export const FOLDER = join(ROOT, 'build/conformance');

/** The text of the program that lies in `folder`. */
export function programOf({ promise, subject, failure }: Story, folder = FOLDER): string {
  const calls = callsOf(subject.tokens);
  const about = [
    `${promise.title} (${promise.spec}), at ${subject.name}.`,
    `Broken: ${failure.message}.`,
    `Smallest input: ${failure.counterexample}`,
    '',
    'Run it with node in a checkout of the repository after `sh scripts/set-up`. It makes the calls again, says what each',
    'gives and gave then, and holds the promise against the same input: the exit status is 1 while it is broken. The name',
    'of another subject (memory, core, module, softhsm) may follow the file.',
  ];
  return `${about.flatMap((text) => text.split('\n').map((line) => `// ${line}`.trimEnd())).join('\n')}

import { Again } from '${relative(folder, join(ROOT, 'conformance/again.ts'))}';
import { hex, longBytes } from '${relative(folder, join(ROOT, 'conformance/literal.ts'))}';

const again = await Again.start('${subject.name}');
const { tokens } = again.subject;

${failure.steps.map((step) => lineOf(step, calls)).join('\n')}

await again.hold('${promise.id}', ${literalOf(failure.replay)});
`;
}

/** Writes the program of a failure, and gives its path from here. */
export function keepProgram(story: Story): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${story.promise.id}-${story.subject.name}.ts`);
  writeFileSync(file, programOf(story));
  return relative(process.cwd(), file);
}
