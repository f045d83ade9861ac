import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { type Authority, authorityOf } from './challenge.ts';
import { readPem, type TokenSourceGiven } from './credential.ts';
import { failureOfNetwork, type Target } from './failures.ts';
import type { HttpLog } from './http-exchange.ts';
import type { HsmObserver } from './observer.ts';
import { Transport } from './transport.ts';

export const API = 'api-version=7.4';
const PROBE = `/keys?${API}&maxresults=1`;

/** `accepted`: a client secret that the configuration has, or that an authority took. */
export type LearnSecret = (secret: string, kind: 'accepted' | 'token') => void;

/** What an HSM needs besides its configuration. */
export interface HsmOptions {
  /** Takes lines that the operator should see and nobody waits for. */
  readonly log?: (line: string) => void;
  /** Wall clock in milliseconds, for the life of tokens. */
  readonly nowMs?: () => number;
  /** 0 ≤ random < 1, to spread retries. */
  readonly random?: () => number;
  /** Told of each request and each use of a key, to count them. */
  readonly observer?: HsmObserver | undefined;
  /** Takes each HTTP exchange; absent: nobody pays for one. */
  readonly http?: HttpLog | undefined;
  /** Takes each of them, so that a log can leave it out. */
  readonly learnSecret?: LearnSecret | undefined;
  /** Gives the tokens, instead of what the configuration or a PIN names. */
  readonly tokenCredential?: TokenSourceGiven | undefined;
}

/** One HSM as all its identities share it: connections, and where its tokens come from. */
export class Endpoint implements Target {
  readonly url: string;
  readonly configurationPath: string;
  readonly transport: Transport;
  readonly caPem: string | undefined;
  readonly keyListMs: number;
  readonly timeouts: Configuration['timeouts'];
  readonly log: (line: string) => void;
  readonly nowMs: () => number;
  readonly observer: HsmObserver | undefined;
  readonly http: HttpLog | undefined;
  readonly learnSecret: LearnSecret;
  readonly #token: TokenConfiguration;
  readonly #warmConnections: number;
  #authority: Promise<Authority> | undefined;
  #warm = false;

  /** Throws ConfigurationError when caFile cannot be read. */
  constructor(token: TokenConfiguration, configuration: Configuration, options: HsmOptions) {
    const { log = () => undefined, nowMs = Date.now, random = Math.random, observer, http } = options;
    const { Disable, MaxConnections } = configuration.ConnectionCache;
    this.url = token.baseUrl;
    this.configurationPath = token.path;
    this.caPem = token.caFile === undefined ? undefined : readPem(token.caFile, `caFile of ${token.path}`);
    this.transport = new Transport({ url: token.baseUrl, caPem: this.caPem, random, observer, http }, configuration);
    this.keyListMs = configuration.cache.keyListSeconds * 1000;
    this.timeouts = configuration.timeouts;
    this.log = log;
    this.nowMs = nowMs;
    this.observer = observer;
    this.http = http;
    this.learnSecret = options.learnSecret ?? (() => undefined);
    this.#token = token;
    this.#warmConnections = Disable ? 0 : MaxConnections;
    if (configuration.options.DisableTLSAuthentication) {
      log(
        `TLS AUTHENTICATION IS OFF for ${this.url}: anybody on the way can pose as the HSM (DisableTLSAuthentication)`,
      );
    }
  }

  /** Where tokens come from: asked of the HSM once, by a request without a token. */
  authority(): Promise<Authority> {
    this.#authority ??= this.#challenge().catch((error: unknown) => {
      this.#authority = undefined;
      throw error;
    });
    return this.#authority;
  }

  /** After the HSM refused a token: it may want those of another tenant now. */
  forgetAuthority(): void {
    this.#authority = undefined;
  }

  /**
   * Opens the connections once, behind the caller's back, so that no signature pays for a TLS handshake. Begins while
   * the first token is on its way, to be done before the first request that needs it. What fails here fails again
   * where somebody waits for it.
   */
  warmUp(): void {
    if (this.#warm) return;
    this.#warm = true;
    const probes = Array.from({ length: this.#warmConnections }, () => this.#probe());
    Promise.all(probes).catch(() => {
      this.#warm = false;
    });
  }

  #probe() {
    const { requestMs } = this.timeouts;
    return this.transport.request({ method: 'GET', path: PROBE, repeatable: true, deadlineMs: requestMs });
  }

  async #challenge(): Promise<Authority> {
    const { baseUrl, path, tenantId, authorityHost } = this.#token;
    const answer = await this.#probe().catch((error: unknown) => {
      throw failureOfNetwork(error, this);
    });
    const header = String(answer.headers['www-authenticate'] ?? '');
    const authority = authorityOf(header, { baseUrl, path, tenantId, authorityHost });
    this.warmUp();
    return authority;
  }
}
