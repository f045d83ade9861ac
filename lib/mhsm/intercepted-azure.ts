/**
 * For tests: Azure under its own names, by msw. Connections are intercepted below HTTP, so that undici's pool and Azure's
 * own libraries run as they are, and names, addresses and certificates play no part. What msw cannot do, half an answer
 * and a connection that hangs, scripted-service.ts does.
 */

import { HttpRequestInterceptor } from '@mswjs/interceptors/http';
import { HttpResponse, http } from 'msw';
import { defineNetwork, InterceptorSource } from 'msw/experimental';
import { parseConfiguration } from '../config/parse.ts';
import { createHsm, type HsmOptions, type RestHsm } from './hsm.ts';
import { Transport } from './transport.ts';

export const HSM = 'https://myhsm.managedhsm.azure.net';
export const ENTRA = 'https://login.microsoftonline.com';
export const TENANT = '11111111-2222-3333-4444-555555555555';
export const VERSION = '0123456789abcdef0123456789abcdef';

/** A request with a token, as the HSM sees it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly body: string;
}

type Answer = Response | Promise<Response>;

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  HttpResponse.json(body as object, { status, headers });

export class InterceptedAzure {
  /** What came to the HSM with a token, in order. */
  readonly asked: Asked[] = [];
  /** Tenants that a token was asked of, in order. */
  readonly tokensOf: string[] = [];
  challenges = 0;
  /** Hosts besides the HSM and Entra ID that anybody tried to reach. */
  readonly strangers: string[] = [];
  /** Answers what comes with a token. */
  answer: (asked: Asked, nth: number) => Answer = () => json({ value: [] });
  challenge = `Bearer authorization="${ENTRA}/${TENANT}", resource="https://managedhsm.azure.net"`;
  /** Answers the token endpoint. */
  grant: (nth: number) => Answer = () => this.token();
  /** Requests to the endpoints of managed identity, in order. */
  readonly machineRequests: Request[] = [];
  /** Answers them. */
  machine: (request: Request) => Answer = () => this.machineToken();
  readonly #network;
  #closable: { close(): Promise<void> }[] = [];

  constructor() {
    this.#network = defineNetwork({
      sources: [new InterceptorSource({ interceptors: [new HttpRequestInterceptor()] })],
      onUnhandledFrame: 'error',
      context: { quiet: true },
      handlers: [
        http.all(`${HSM}/*`, ({ request }) => this.#hsm(request)),
        http.get(`${ENTRA}/*`, ({ request }) => this.#discovery(request)),
        http.post(`${ENTRA}/:tenant/oauth2/v2.0/token`, ({ params }) => {
          this.tokensOf.push(String(params.tenant));
          return this.grant(this.tokensOf.length);
        }),
        ...['*/metadata/identity/oauth2/token', '*/msi/token'].map((path) =>
          http.get(path, ({ request }) => {
            this.machineRequests.push(request);
            return this.machine(request);
          }),
        ),
        http.all('*', ({ request }) => {
          this.strangers.push(new URL(request.url).host);
          return json({}, 404);
        }),
      ],
    });
  }

  enable(): Promise<void> | void {
    return this.#network.enable();
  }

  disable(): Promise<void> | void {
    return this.#network.disable();
  }

  /** A token answer; `token-1` is the first token of a test. */
  token(seconds = 3600): Response {
    const token = `token-${this.tokensOf.length}`;
    return json({ token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token });
  }

  /** A token as the metadata service gives it; `machine-1` is the first of a test. */
  machineToken(): Response {
    const expires = Math.floor(Date.now() / 1000) + 3600;
    const token = `machine-${this.machineRequests.length}`;
    return json({ access_token: token, expires_on: String(expires), resource: HSM, token_type: 'Bearer' });
  }

  /** An HSM client that pauses as short as it may between attempts. */
  hsm(top: object = {}, options: HsmOptions = {}): RestHsm {
    const text = JSON.stringify({ tokens: [{ slotid: 0, resourceName: 'myhsm' }], ...top });
    const { configuration } = parseConfiguration(text, 'test.conf');
    const [token] = configuration.tokens;
    if (token === undefined) throw new Error('no token');
    const hsm = createHsm(token, configuration, { random: () => 0, ...options });
    this.#closable.push(hsm);
    return hsm;
  }

  /** The connections alone, a number of them. */
  transport(MaxConnections: number): Transport {
    const text = JSON.stringify({
      tokens: [{ slotid: 0, resourceName: 'myhsm' }],
      ConnectionCache: { MaxConnections },
    });
    const options = { url: HSM, caPem: undefined, random: () => 0 };
    const transport = new Transport(options, parseConfiguration(text, 'test.conf').configuration);
    this.#closable.push(transport);
    return transport;
  }

  /** A service principal at a client of few connections, with its token. */
  async loggedIn(top: object = {}, options: HsmOptions = {}) {
    const identity = this.hsm({ ConnectionCache: { MaxConnections: 1 }, ...top }, options).identityOfPin(
      Buffer.from('client-1:s3cret'),
    );
    await identity.authenticate();
    return identity;
  }

  /** Between tests: as if just started. */
  async reset(): Promise<void> {
    await Promise.all(this.#closable.map((open) => open.close()));
    this.#closable = [];
    this.asked.length = 0;
    this.tokensOf.length = 0;
    this.strangers.length = 0;
    this.challenges = 0;
    this.machineRequests.length = 0;
    this.machine = () => this.machineToken();
    this.answer = () => json({ value: [] });
    this.challenge = `Bearer authorization="${ENTRA}/${TENANT}", resource="https://managedhsm.azure.net"`;
    this.grant = () => this.token();
  }

  async #hsm(request: Request): Promise<Response> {
    const authorization = request.headers.get('authorization');
    if (authorization === null) {
      this.challenges++;
      return new HttpResponse(null, { status: 401, headers: { 'www-authenticate': this.challenge } });
    }
    const { pathname } = new URL(request.url);
    const token = authorization.replace('Bearer ', '');
    const asked = { method: request.method, path: pathname, token, body: await request.text() };
    this.asked.push(asked);
    return this.answer(asked, this.asked.length);
  }

  /** What MSAL reads of Entra ID before it asks for a token. */
  #discovery(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/common/discovery/instance')) {
      const aliases = [new URL(ENTRA).host];
      const [host] = aliases;
      return json({
        tenant_discovery_endpoint: `${ENTRA}/${TENANT}/v2.0/.well-known/openid-configuration`,
        metadata: [{ preferred_network: host, preferred_cache: host, aliases }],
      });
    }
    const base = `${ENTRA}/${pathname.split('/')[1]}`;
    return json({
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    });
  }
}
