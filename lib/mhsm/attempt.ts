import type { Dispatcher } from 'undici';
import type { Gate, Waiter } from './gate.ts';
import { NoAnswer, type NoAnswerReason } from './no-answer.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What an attempt uses and whom it tells. */
export interface Route {
  readonly dispatcher: Dispatcher;
  readonly gate: Gate;
  /** It got a place in the gate after so long. */
  onAdmitted(waitedMs: number): void;
  /** An answer begins. */
  onAnswered(): void;
  /** It was sent, and no answer began within this time. */
  onUnanswered(error: NoAnswer, waitedMs: number): void;
  /** No connection could be made; `hung`: and it took long to know. */
  onNotConnected(error: NoAnswer, hung: boolean): void;
}

/** What an attempt is held to. */
export interface Pace {
  /** Until then it is answered in any case. */
  readonly deadlineMs: number;
  /** One of those that the queue is measured by: what it took is learnt from. A key that is made takes its own time. */
  readonly hurried: boolean;
}

/** No answer of the service is as long; a server that is none could fill the memory. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const HANGING_CONNECT_CODES: readonly unknown[] = ['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'EHOSTUNREACH'];

type Phase = 'queue' | 'connect' | 'answer' | 'settled';

/**
 * One request once: waits for its turn, for a connection, for the answer, all within one deadline. The caller is
 * answered at the deadline in any case; the place in the gate is given back when undici is done with the request, so
 * that never more than MaxConnections are on the way.
 */
export class Attempt implements Dispatcher.DispatchHandler, Waiter {
  readonly #route: Route;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: NoAnswer) => void;
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  readonly #beginMs = performance.now();
  readonly #endMs: number;
  readonly #hurried: boolean;
  #admittedMs = 0;
  #phase: Phase = 'queue';
  #sent = false;
  #sentMs = 0;
  #left = false;
  #status = 0;
  #headers: Answer['headers'] = {};
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  private constructor(
    route: Route,
    options: Dispatcher.DispatchOptions,
    { deadlineMs, hurried }: Pace,
    resolve: (answer: Answer) => void,
    reject: (error: NoAnswer) => void,
  ) {
    this.#route = route;
    this.#options = options;
    this.#endMs = this.#beginMs + deadlineMs;
    this.#hurried = hurried;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Rejects with NoAnswer; answers of any status are answers. */
  static make(route: Route, options: Dispatcher.DispatchOptions, pace: Pace): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const attempt = new Attempt(route, options, pace, resolve, reject);
      attempt.#timer = setTimeout(() => attempt.#expire(), pace.deadlineMs);
      if (!route.gate.enter(attempt)) attempt.#fail(new NoAnswer('crowded', false));
    });
  }

  leftMs(): number {
    return this.#endMs - performance.now();
  }

  admit(): void {
    this.#phase = 'connect';
    this.#admittedMs = performance.now();
    this.#route.onAdmitted(this.#admittedMs - this.#beginMs);
    this.#route.dispatcher.dispatch(this.#options, this);
  }

  refuse(reason: Error): void {
    this.#fail(reason instanceof NoAnswer ? reason : new NoAnswer('network', false, reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === 'settled') return controller.abort(new Error('nobody waits for it any more'));
    this.#phase = 'answer';
    this.#sent = true;
    this.#sentMs = performance.now();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Answer['headers']): void {
    this.#route.onAnswered();
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_ANSWER_BYTES) return controller.abort(new Error('an answer longer than 8 MiB'));
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const { status, headers } = { status: this.#status, headers: this.#headers };
    const body = Buffer.concat(this.#chunks).toString('utf8');
    if (this.#settle()) this.#resolve({ status, headers, body });
    this.#leave(this.#hurried ? performance.now() - this.#admittedMs : undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    const error = new NoAnswer('network', this.#sent, cause);
    const hung = HANGING_CONNECT_CODES.includes((cause as NodeJS.ErrnoException).code);
    if (this.#controller === undefined) this.#route.onNotConnected(error, hung);
    this.#fail(error);
    this.#leave();
  }

  #expire(): void {
    const phase = this.#phase;
    if (phase === 'settled') return;
    const error = new NoAnswer(phase satisfies NoAnswerReason, this.#sent);
    if (phase === 'answer' && this.#status === 0) this.#route.onUnanswered(error, performance.now() - this.#sentMs);
    this.#fail(error);
    if (phase === 'queue') this.#route.gate.cancel(this);
    // A request that undici has not begun is dropped when it comes to it.
    if (phase === 'answer') this.#controller?.abort(new Error('the deadline has passed'));
  }

  #fail(error: NoAnswer): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#phase === 'settled') return false;
    this.#phase = 'settled';
    clearTimeout(this.#timer);
    return true;
  }

  /** `tookMs` when it was answered and hurried: anything else says nothing about the next one that hurries. */
  #leave(tookMs?: number): void {
    if (this.#left) return;
    this.#left = true;
    this.#route.gate.leave(tookMs);
  }
}
