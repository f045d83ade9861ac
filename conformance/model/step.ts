/** What a step is: it makes one call, predicts its code and values, and moves the model on. */

import type * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import type { Client } from '../client.ts';
import type { ModelToken } from './objects.ts';
import type { Real } from './real.ts';
import { type Kind, type Model, type ModelApplication, ModelSession } from './state.ts';

/** Whom a step concerns: the one session that it is made in, or all that is about a token. */
export interface Place {
  readonly token: ModelToken;
  readonly session: ModelSession | undefined;
}

/** What a step does, and how a report names it. */
export class Step implements fc.AsyncCommand<Model, Real> {
  readonly #words: string;
  readonly #act: (model: Model, real: Real) => Promise<void>;
  /** Undefined for a step that concerns everything. */
  readonly placeIn: (model: Model) => Place | undefined;

  constructor(
    words: string,
    act: (model: Model, real: Real) => Promise<void>,
    placeIn: (model: Model) => Place | undefined = () => undefined,
  ) {
    this.#words = words;
    this.#act = act;
    this.placeIn = placeIn;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): Promise<void> {
    return this.#act(model, real);
  }

  toString(): string {
    return this.#words;
  }
}

/** One of a list, by a number that may be larger than it. */
export function pick<T>(list: readonly T[], which: number): T | undefined {
  return list[which % list.length];
}

/** Sessions in which a step finds what it is for. */
export type Fits = (session: ModelSession) => boolean;

/** Of so many choices, one takes any session, closed ones too, and one any that is open; the others one that fits. */
const CHOICES = 8;

/** Where there is no session to choose from, one that was never opened. */
function sessionOf(model: Model, which: number, fits: Fits): ModelSession {
  const choice = which % CHOICES;
  const open = model.sessions.filter(({ isOpen }) => isOpen);
  const fitting = choice < CHOICES - 2 ? open.filter(fits) : [];
  const lists = [fitting, choice < CHOICES - 1 ? open : [], model.sessions];
  const list = lists.find(({ length }) => length > 0) ?? [];
  return pick(list, Math.floor(which / CHOICES)) ?? absent(model);
}

function absent({ applications, tokens }: Model): ModelSession {
  const [application] = applications;
  const [token] = tokens;
  if (application === undefined || token === undefined) throw new Error('a model has an application and a token');
  const session = new ModelSession(application, token, 0);
  session.isOpen = false;
  return session;
}

/** What a step in a session has to do with. */
export interface Scene {
  readonly model: Model;
  readonly real: Real;
  readonly session: ModelSession;
  /** The handle of the session. */
  readonly handle: number;
  readonly client: Client;
}

type Act = (scene: Scene) => Promise<void>;

function step(words: string, which: number, fits: Fits, act: Act, isAlone: boolean): Step {
  return new Step(
    `${words} in session ${which}`,
    (model, real) => {
      const session = sessionOf(model, which, fits);
      const client = real.client(session.application);
      return act({ model, real, session, handle: real.session(session), client });
    },
    (model) => {
      const session = sessionOf(model, which, fits);
      return { token: session.token, session: isAlone ? session : undefined };
    },
  );
}

/** A step that concerns one session and no other. */
export const inSession = (words: string, which: number, fits: Fits, act: Act): Step =>
  step(words, which, fits, act, true);

/** A step in a session that others of the token see too. */
export const onToken = (words: string, which: number, fits: Fits, act: Act): Step =>
  step(words, which, fits, act, false);

export const anySession: Fits = () => true;
export const whereLoggedIn: Fits = ({ view }) => view.isLoggedIn;
export const whereWritable: Fits = ({ view, isReadWrite }) => view.isLoggedIn && isReadWrite;
/** A session with an operation of the kind. */
export const where =
  (kind: Kind): Fits =>
  ({ operations }) =>
    operations[kind] !== undefined;

/** The code that comes of an application or a session that is not open, else what `then` says. */
export function codeOf({ application, isOpen }: ModelSession, then: () => number): number {
  if (!application.isInitialized) return ck.CKR_CRYPTOKI_NOT_INITIALIZED;
  return isOpen ? then() : ck.CKR_SESSION_HANDLE_INVALID;
}

/** The code of a call without a session. */
export const codeIn = ({ isInitialized }: ModelApplication): number =>
  isInitialized ? ck.CKR_OK : ck.CKR_CRYPTOKI_NOT_INITIALIZED;
