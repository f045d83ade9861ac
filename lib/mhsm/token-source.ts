/** An access token and when it ends, in milliseconds since 1970. */
export interface AccessToken {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

const LONGEST_LEAD_MS = 10 * 60_000;
const RETRY_MS = 15_000;
/** How long a failure is told again instead of asking again: callers try again at once, each in a worker that waits. */
const FAILURE_MS = 1000;

/** So long a failure counts as the present state, which nobody who signs waits to see confirmed. */
const KNOWN_MS = 5000;
/** Longest that a question takes while the state is known to be bad, so that its end is noticed soon. */
const SHORT_MS = 2000;

/**
 * The token of one identity. Fetched once however many ask (single flight), refreshed in the background while the old
 * one still holds, so that no signature waits for it but the first.
 */
export class TokenSource {
  readonly #fetch: (mostMs?: number) => Promise<AccessToken>;
  readonly #nowMs: () => number;
  #held: AccessToken | undefined;
  #obtainedAtMs = 0;
  #refreshAtMs = 0;
  #flight: Promise<string> | undefined;
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined;

  constructor(fetch: (mostMs?: number) => Promise<AccessToken>, nowMs: () => number = Date.now) {
    this.#fetch = fetch;
    this.#nowMs = nowMs;
  }

  /** How long ago the token came and how long it still holds (less than 0: no more); undefined while there is none. */
  get age(): { readonly ageMs: number; readonly leftMs: number } | undefined {
    if (this.#held === undefined) return undefined;
    const now = this.#nowMs();
    return { ageMs: now - this.#obtainedAtMs, leftMs: this.#held.expiresOnTimestamp - now };
  }

  /** The token if there is a valid one; asks for the next one in the background when it is time. */
  current(): string | undefined {
    const now = this.#nowMs();
    if (this.#held === undefined || now >= this.#held.expiresOnTimestamp) return undefined;
    if (now >= this.#refreshAtMs && this.#flight === undefined) {
      this.#refreshAtMs = now + RETRY_MS;
      this.#obtain().catch(() => undefined);
    }
    return this.#held.token;
  }

  /** A valid token, waited for if there is none. Rejects with what the fetch rejects with. */
  get(): Promise<string> {
    const current = this.current();
    if (current !== undefined) return Promise.resolve(current);
    const failure = this.#failure;
    if (failure !== undefined && this.#nowMs() < failure.untilMs) return Promise.reject(failure.error);
    return this.#obtain();
  }

  /**
   * As `get` for who serves many in one thread: after a failure a moment ago it rejects with that at once, and the next
   * token is asked for behind its back.
   */
  soon(): Promise<string> {
    const failure = this.#failure;
    const now = this.#nowMs();
    if (this.current() !== undefined || failure === undefined || now >= failure.untilMs + KNOWN_MS) return this.get();
    if (now >= failure.untilMs) this.#obtain(SHORT_MS).catch(() => undefined);
    return Promise.reject(failure.error);
  }

  /** Forgets a token that the service refused. */
  discard(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  #obtain(mostMs?: number): Promise<string> {
    this.#flight ??= this.#fetch(mostMs).then(
      (fetched) => this.#keep(fetched),
      (error: unknown) => this.#fail(error),
    );
    return this.#flight;
  }

  #keep(fetched: AccessToken): string {
    this.#obtainedAtMs = this.#nowMs();
    const lifetimeMs = fetched.expiresOnTimestamp - this.#obtainedAtMs;
    this.#flight = undefined;
    this.#failure = undefined;
    this.#held = fetched;
    this.#refreshAtMs = fetched.expiresOnTimestamp - Math.min(lifetimeMs / 4, LONGEST_LEAD_MS);
    return fetched.token;
  }

  #fail(error: unknown): never {
    this.#flight = undefined;
    this.#failure = { error, untilMs: this.#nowMs() + FAILURE_MS };
    throw error;
  }
}

/** The object id (`oid`) in an access token, for messages; undefined when it is no JWT or has none. */
export function objectIdOf(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      oid?: unknown;
    };
    return typeof claims.oid === 'string' ? claims.oid : undefined;
  } catch {
    return undefined;
  }
}
