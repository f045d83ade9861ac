import type { Answer } from './attempt.ts';
import { NoAnswer } from './no-answer.ts';

const MAX_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 50;
/** The connection ended under the request: most likely an idle one that the service had closed. */
const BROKEN_CONNECTION: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];
/** Server errors that will be the same next time. */
const LASTING = new Set([501, 505]);

/** The three forms of RFC 9110 section 5.6.7 begin with a day; Date.parse would take `-5` for a date, too. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** Milliseconds that a Retry-After header asks for: a number of seconds or a date; undefined when there is none. */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = HTTP_DATE.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Whether the service may answer otherwise next time. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && !LASTING.has(status));
}

function mayRepeat(outcome: Answer | NoAnswer, repeatable: boolean): boolean {
  if (!(outcome instanceof NoAnswer)) {
    // Who is throttled was not served, so even a create may come again.
    return isTransient(outcome.status) && (repeatable || outcome.status === 429);
  }
  const code = (outcome.cause as NodeJS.ErrnoException | undefined)?.code;
  return outcome.reason === 'network' && BROKEN_CONNECTION.includes(code) && (repeatable || !outcome.sent);
}

export interface Tried {
  /** How often until now. */
  readonly attempts: number;
  /** Whether the request may arrive twice. */
  readonly repeatable: boolean;
  /** Wall clock, for dates in Retry-After. */
  readonly nowMs: number;
  /** 0 ≤ random < 1. */
  readonly random: number;
}

/**
 * How long to wait before the request is sent again; undefined: what came is final. The first broken connection is
 * replaced at once; after that the pauses double, each between half and one and a half of its length, so that many who
 * failed together do not come back together.
 */
export function pauseBeforeRetry(outcome: Answer | NoAnswer, tried: Tried): number | undefined {
  const { attempts, repeatable, nowMs, random } = tried;
  if (attempts >= MAX_ATTEMPTS || !mayRepeat(outcome, repeatable)) return undefined;
  const backoff = FIRST_PAUSE_MS * 2 ** (attempts - 1) * (0.5 + random);
  if (outcome instanceof NoAnswer) return attempts === 1 ? 0 : backoff;
  return retryAfterMs(outcome.headers['retry-after'], nowMs) ?? backoff;
}
