import { createSecureContext } from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import type { Configuration } from '../config/configuration.ts';
import { type Answer, Attempt, type Pace, type Route } from './attempt.ts';
import { Gate } from './gate.ts';
import type { HttpLog } from './http-exchange.ts';
import { NoAnswer } from './no-answer.ts';
import type { HsmObserver } from './observer.ts';
import { Outage } from './outage.ts';
import { pauseBeforeRetry } from './retry.ts';
import { Storm } from './storm.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  /** `Bearer …`; none for the challenge. */
  readonly authorization?: string;
  /** Whether it may be sent again when nobody knows if it arrived. Signing may. */
  readonly repeatable: boolean;
  /**
   * A handshake waits for it, one of many: in a storm of refusals it asks once, and what it took says how many may wait.
   * What is asked once for all, as a list, is not.
   */
  readonly hurried?: boolean;
  /** Bounds everything: waiting for a connection, attempts, pauses between them. */
  readonly deadlineMs: number;
}

/** Where connections lead, and the world as far as tests replace it. */
export interface TransportOptions {
  readonly url: string;
  /** PEM of the authorities to trust instead of the public ones. */
  readonly caPem: string | undefined;
  /** 0 ≤ random < 1, to spread retries. */
  readonly random: () => number;
  /** Told of each attempt, to count it. */
  readonly observer?: HsmObserver | undefined;
  /** Takes each attempt and its outcome. */
  readonly http?: HttpLog | undefined;
}

/** Requests and connections now. */
export interface TransportStats {
  /** Open connections. */
  readonly connected: number;
  /** Open connections that carry nothing. */
  readonly free: number;
  /** Requests on a connection. */
  readonly running: number;
  /** Requests that wait for a connection. */
  readonly queued: number;
}

const JSON_TYPE = 'application/json';
const MAX_CONNECT_MS = 5_000;
const KEEP_ALIVE_MS = 30 * 60_000;
/** Below the shortest idle time-out of firewalls on the way. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** A connection has at most so many requests waiting for it, however fast the HSM is: each holds memory and a caller. */
const MAX_WAITING_A_CONNECTION = 100;

/** A request that was sent so long ago, with no answer to anybody since, says that nobody answers. */
const SILENT_MS = 2_000;
const PROBE_MS = 2_000;

function createPool({ url, caPem }: TransportOptions, { ConnectionCache, options, timeouts }: Configuration): Pool {
  return new Pool(url, {
    connections: ConnectionCache.MaxConnections,
    // 0: a connection a request.
    pipelining: ConnectionCache.Disable ? 0 : 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // One HTTP/2 connection would take what MaxConnections spreads over the partitions of the HSM.
    allowH2: false,
    // The deadlines of requests are kept by Attempt.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: Math.min(MAX_CONNECT_MS, timeouts.requestMs),
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      rejectUnauthorized: !options.DisableTLSAuthentication,
      // One for all: to read the authorities anew takes a millisecond a connection.
      secureContext: createSecureContext(caPem === undefined ? {} : { ca: caPem }),
    },
  });
}

function dispatchOptions({
  method,
  path,
  body,
  authorization,
}: Pick<HttpRequest, 'method' | 'path' | 'body' | 'authorization'>): Dispatcher.DispatchOptions {
  const headers: Record<string, string> = { accept: JSON_TYPE };
  if (authorization !== undefined) headers.authorization = authorization;
  if (body !== undefined) headers['content-type'] = JSON_TYPE;
  return { method, path, headers, body: body ?? null };
}

/**
 * The connections to one HSM, shared by all who use it: at most MaxConnections, first come first served, kept alive.
 * Sends again what may be sent again, within the deadline. Redirects are answers like others: nobody follows them.
 */
export class Transport {
  readonly #pool: Pool;
  readonly #gate: Gate;
  readonly #outage = new Outage(() => this.#probe());
  readonly #route: Route;
  readonly #random: () => number;
  readonly #url: string;
  /** When an answer began last. */
  #answeredMs = 0;
  readonly #storm = new Storm(() => performance.now());
  readonly #observer: HsmObserver | undefined;
  readonly #http: HttpLog | undefined;

  constructor(options: TransportOptions, configuration: Configuration) {
    const { MaxConnections } = configuration.ConnectionCache;
    this.#random = options.random;
    this.#url = options.url;
    this.#observer = options.observer;
    this.#http = options.http;
    this.#pool = createPool(options, configuration);
    this.#gate = new Gate(MaxConnections, MaxConnections * MAX_WAITING_A_CONNECTION);
    this.#route = {
      dispatcher: this.#pool,
      gate: this.#gate,
      onAdmitted: (waitedMs) => options.observer?.admitted(waitedMs),
      onAnswered: () => {
        this.#answeredMs = performance.now();
        this.#outage.ended();
      },
      onUnanswered: (error, waitedMs) => this.#unanswered(error, waitedMs),
      onNotConnected: (error, hung) => this.#notConnected(error, hung),
    };
  }

  get stats(): TransportStats {
    const { connected, free, running } = this.#pool.stats;
    return { connected, free, running, queued: this.#gate.waiting };
  }

  /** Rejects with NoAnswer; answers of any status are answers. */
  async request(request: HttpRequest): Promise<Answer> {
    const options = dispatchOptions(request);
    const endMs = performance.now() + request.deadlineMs;
    for (let attempts = 1; ; attempts++) {
      const { repeatable, hurried = false } = request;
      const attempt = () => this.#attempt(options, { deadlineMs: endMs - performance.now(), hurried });
      const outcome = await this.#logged(request, attempt);
      const tried = { attempts, repeatable, nowMs: Date.now(), random: this.#random() };
      const pauseMs = hurried && this.#isInVain(outcome) ? undefined : pauseBeforeRetry(outcome, tried);
      const again = pauseMs !== undefined && performance.now() + pauseMs < endMs;
      this.#observer?.attempted(outcome instanceof NoAnswer ? outcome.reason : outcome.status, again);
      if (!again) {
        if (outcome instanceof NoAnswer) throw outcome;
        if (hurried) this.#storm.ended(outcome.status);
        return outcome;
      }
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #logged({ method, path, body }: HttpRequest, attempt: () => Promise<Answer | NoAnswer>): Promise<Answer | NoAnswer> {
    const http = this.#http;
    if (http === undefined) return attempt();
    const beginMs = performance.now();
    return attempt().then((outcome) => {
      const requestHeaders = { accept: JSON_TYPE, ...(body === undefined ? {} : { 'content-type': JSON_TYPE }) };
      const microseconds = Math.round((performance.now() - beginMs) * 1000);
      http({ method, url: `${this.#url}${path}`, requestHeaders, requestBody: body, microseconds, outcome });
      return outcome;
    });
  }

  #attempt(options: Dispatcher.DispatchOptions, pace: Pace): Promise<Answer | NoAnswer> {
    const { refusal } = this.#outage;
    if (refusal instanceof NoAnswer) return Promise.resolve(refusal);
    return Attempt.make(this.#route, options, pace).catch((error: NoAnswer) => error);
  }

  #isInVain(outcome: Answer | NoAnswer): boolean {
    return !(outcome instanceof NoAnswer) && this.#storm.forbidsRetry(outcome.status);
  }

  /** While other connections work, one that could not be made is no outage; neither is one refused at once. */
  #notConnected(error: NoAnswer, hung: boolean): void {
    if (!hung) return this.#outage.ended();
    if (this.#pool.stats.connected === 0) this.#begin(error);
  }

  /** One request may hang at a service that answers others meanwhile. */
  #unanswered(error: NoAnswer, waitedMs: number): void {
    const heard = performance.now() - this.#answeredMs < waitedMs;
    if (!heard && waitedMs >= SILENT_MS) this.#begin(error);
  }

  #begin(error: NoAnswer): void {
    this.#outage.began(error);
    this.#gate.refuseAll(error);
  }

  /** Any answer is one, be it that there is no such page. */
  #probe(): Promise<Answer> {
    const pace = { deadlineMs: PROBE_MS, hurried: false };
    return Attempt.make(this.#route, dispatchOptions({ method: 'GET', path: '/' }), pace);
  }

  async close(): Promise<void> {
    this.#outage.ended();
    this.#gate.refuseAll(new Error('the library is closing'));
    await this.#pool.destroy();
  }
}
