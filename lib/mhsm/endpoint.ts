import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { type Authority, authorityOf } from './challenge.ts';
import { type Asked, failureOfNetwork } from './failures.ts';
import { readCaFile, Transport } from './transport.ts';

const PROBE = '/keys?api-version=7.4&maxresults=1';

/** One HSM as all its identities share it: connections, and where its tokens come from. */
export class Endpoint {
  readonly url: string;
  readonly configurationPath: string;
  readonly transport: Transport;
  readonly caPem: string | undefined;
  readonly keyListMs: number;
  readonly #token: TokenConfiguration;
  readonly #configuration: Configuration;
  #authority: Promise<Authority> | undefined;
  #warm = false;

  constructor(token: TokenConfiguration, configuration: Configuration) {
    this.url = token.baseUrl;
    this.configurationPath = token.path;
    this.transport = new Transport(token, configuration);
    this.caPem = readCaFile(token);
    this.keyListMs = configuration.cache.keyListSeconds * 1000;
    this.#token = token;
    this.#configuration = configuration;
  }

  /** Bounds one request, waiting for a connection included. */
  deadlineMs({ operation }: Asked): number {
    const { requestMs, slowRequestMs } = this.#configuration.timeouts;
    return operation === 'create' ? slowRequestMs : requestMs;
  }

  /** Where tokens come from: asked of the HSM once, by a request without a token. */
  authority(): Promise<Authority> {
    this.#authority ??= this.#challenge().catch((error: unknown) => {
      this.#authority = undefined;
      throw error;
    });
    return this.#authority;
  }

  /**
   * Opens all connections once, behind the caller's back, so that no signature pays for a TLS handshake. What fails
   * here fails again where somebody waits for it.
   */
  warmUp(): void {
    const { Disable, MaxConnections } = this.#configuration.ConnectionCache;
    if (this.#warm || Disable) return;
    this.#warm = true;
    const probes = Array.from({ length: MaxConnections }, () => this.#probe());
    Promise.all(probes).catch(() => {
      this.#warm = false;
    });
  }

  #probe() {
    const { requestMs } = this.#configuration.timeouts;
    return this.transport.request({ method: 'GET', path: PROBE, repeatable: true, deadlineMs: requestMs });
  }

  async #challenge(): Promise<Authority> {
    const { baseUrl, path, tenantId, authorityHost } = this.#token;
    const answer = await this.#probe().catch((error: unknown) => {
      throw failureOfNetwork(error, baseUrl, path);
    });
    return authorityOf(String(answer.headers['www-authenticate'] ?? ''), { baseUrl, path, tenantId, authorityHost });
  }
}
