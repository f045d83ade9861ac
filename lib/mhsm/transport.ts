import { readFileSync } from 'node:fs';
import { type Dispatcher, Pool } from 'undici';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/parse.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  /** `Bearer …`; none for the challenge. */
  readonly authorization?: string;
  /** Whether it may be sent again when nobody knows if it arrived. Signing may. */
  readonly repeatable: boolean;
  /** Bounds everything: waiting for a connection, attempts, pauses between them. */
  readonly deadlineMs: number;
}

const CONNECT_MS = 5_000;
const KEEP_ALIVE_MS = 30 * 60_000;
const MAX_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 50;
const REPEAT_STATUS = new Set([408, 429, 500, 502, 503, 504]);
/** The connection ended under the request: most likely an idle one that the service had closed. */
const BROKEN_CONNECTION = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** PEM text of a token's caFile. Throws ConfigurationError when it cannot be read. */
export function readCaFile({ caFile, path }: TokenConfiguration): string | undefined {
  if (caFile === undefined) return undefined;
  try {
    return readFileSync(caFile, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(
      `cannot read caFile ${caFile} of ${path}: ${code || message}`,
      'correct caFile, or let this user read it',
      error,
    );
  }
}

function pauseMs(attempt: number, answer: Answer | undefined, random: () => number): number {
  const asked = Number(answer?.headers['retry-after']) * 1000;
  if (asked > 0) return asked;
  return FIRST_PAUSE_MS * 2 ** attempt * (0.5 + random());
}

/**
 * The connections to one HSM, shared by all who use it: at most MaxConnections, first come first served, kept alive.
 * Sends again what may be sent again, within the deadline.
 */
export class Transport {
  readonly #pool: Pool;
  readonly #random: () => number;

  constructor(token: TokenConfiguration, configuration: Configuration, random: () => number = Math.random) {
    const { Disable, MaxConnections } = configuration.ConnectionCache;
    const ca = readCaFile(token);
    this.#random = random;
    this.#pool = new Pool(token.baseUrl, {
      connections: MaxConnections,
      // 0: a connection a request.
      pipelining: Disable ? 0 : 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connect: {
        timeout: CONNECT_MS,
        keepAlive: true,
        keepAliveInitialDelay: 30_000,
        rejectUnauthorized: !configuration.options.DisableTLSAuthentication,
        ...(ca === undefined ? {} : { ca }),
      },
    });
  }

  get stats(): Pool['stats'] {
    return this.#pool.stats;
  }

  /** Rejects with the network's error; answers of any status are answers. */
  async request(request: HttpRequest): Promise<Answer> {
    const signal = AbortSignal.timeout(request.deadlineMs);
    const endMs = performance.now() + request.deadlineMs;
    for (let attempt = 0; ; attempt++) {
      let answer: Answer | undefined;
      try {
        answer = await this.#once(request, signal);
        if (!request.repeatable || !REPEAT_STATUS.has(answer.status)) return answer;
      } catch (error) {
        const broken = BROKEN_CONNECTION.has((error as NodeJS.ErrnoException).code ?? '');
        if (!broken || !request.repeatable || attempt + 1 >= MAX_ATTEMPTS || signal.aborted) throw error;
      }
      const pause = attempt === 0 && answer === undefined ? 0 : pauseMs(attempt, answer, this.#random);
      if (answer !== undefined && (attempt + 1 >= MAX_ATTEMPTS || performance.now() + pause >= endMs)) return answer;
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #once({ method, path, body, authorization }: HttpRequest, signal: AbortSignal): Promise<Answer> {
    const headers: Record<string, string> = {};
    if (authorization !== undefined) headers.authorization = authorization;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const options: Dispatcher.RequestOptions = { method, path, headers, body: body ?? null, signal };
    const { statusCode, headers: answered, body: stream } = await this.#pool.request(options);
    return { status: statusCode, headers: answered, body: await stream.text() };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
