import type { HttpLog } from './http-exchange.ts';

/** What happened on the way to the authority: the error of the token library says only that something did. */
export interface Trace {
  /** The network's error of the last request. */
  problem?: unknown;
  /** HTTP status of the last answer. */
  status?: number;
  /** The AADSTS number in the last answer, when it was a refusal that the token library does not pass on. */
  aadsts?: string | undefined;
  /** Takes the requests to the authority, without what they carry. */
  readonly http?: HttpLog | undefined;
}

/** The number in a refusal of Entra ID. */
export function aadstsOf(text: string): string | undefined {
  return /AADSTS(\d+)/.exec(text)?.[1];
}

/** The code of a network's error: its message may hold the request. */
function wordsOfNetwork(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? 'failed');
}

/** A request to the authority for the log: it carries the credential and its answer the token, so neither is shown. */
function tell(trace: Trace, method: string, address: string, beginMs: number, outcome: number | Error): void {
  const { origin, pathname } = new URL(address);
  trace.http?.({
    method,
    url: `${origin}${pathname}`,
    requestHeaders: {},
    requestBody: undefined,
    microseconds: Math.round((performance.now() - beginMs) * 1000),
    outcome: typeof outcome === 'number' ? { status: outcome, headers: {}, body: undefined } : outcome,
  });
}

/** Sends a request to whoever gives tokens, and notes what becomes of it. */
export async function traced<Answer extends { readonly status: number }>(
  trace: Trace,
  { method, url }: { readonly method: string; readonly url: string },
  send: () => Promise<Answer>,
): Promise<Answer> {
  const beginMs = performance.now();
  try {
    const answer = await send();
    trace.status = answer.status;
    tell(trace, method, url, beginMs, answer.status);
    return answer;
  } catch (error) {
    trace.problem = error;
    tell(trace, method, url, beginMs, new Error(wordsOfNetwork(error)));
    throw error;
  }
}
