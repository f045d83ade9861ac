/** An access token and when it ends, in milliseconds since 1970. */
export interface AccessToken {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

const LONGEST_LEAD_MS = 10 * 60_000;
const RETRY_MS = 15_000;

/**
 * The token of one identity. Fetched once however many ask (single flight), refreshed in the background while the old
 * one still holds, so that no signature waits for it but the first.
 */
export class TokenSource {
  readonly #fetch: () => Promise<AccessToken>;
  readonly #nowMs: () => number;
  #held: AccessToken | undefined;
  #refreshAtMs = 0;
  #flight: Promise<string> | undefined;

  constructor(fetch: () => Promise<AccessToken>, nowMs: () => number = Date.now) {
    this.#fetch = fetch;
    this.#nowMs = nowMs;
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
    return current === undefined ? this.#obtain() : Promise.resolve(current);
  }

  /** Forgets a token that the service refused. */
  discard(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  #obtain(): Promise<string> {
    this.#flight ??= this.#fetch()
      .then((fetched) => {
        const lifetimeMs = fetched.expiresOnTimestamp - this.#nowMs();
        this.#held = fetched;
        this.#refreshAtMs = fetched.expiresOnTimestamp - Math.min(lifetimeMs / 4, LONGEST_LEAD_MS);
        return fetched.token;
      })
      .finally(() => {
        this.#flight = undefined;
      });
    return this.#flight;
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
