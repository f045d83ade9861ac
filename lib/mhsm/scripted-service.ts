/**
 * For tests: a server that is HSM and Entra ID in one and does what a test scripts, badly too. Knows no keys; the whole
 * service is mock-hsm.
 */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import forge from 'node-forge';
import type { Configuration } from '../config/configuration.ts';
import { parseConfiguration } from '../config/parse.ts';
import type { HsmIdentity } from '../core/hsm.ts';
import { createHsm, type HsmOptions, type RestHsm } from './hsm.ts';

export const TENANT = '11111111-2222-3333-4444-555555555555';
export const CLIENT_ID = 'client-1';
export const SECRET = 's3cret:with:colons';
export const PIN = Buffer.from(`${CLIENT_ID}:${SECRET}`);

export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** `reset` cuts the connection, `hang` never answers. */
export type Reply =
  | { readonly status: number; readonly json?: unknown; readonly text?: string; readonly headers?: object }
  | 'reset'
  | 'hang';

export const ok = (json: unknown): Reply => ({ status: 200, json });

/** A refusal as the service writes it. */
export function refusal(status: number, code: string, message: string, innerCode?: string): Reply {
  const inner = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return { status, json: { error: { code, message: `${message} (Activity ID: ${crypto.randomUUID()})`, ...inner } } };
}

export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  const name = [{ name: 'commonName', value: 'scripted service' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { key: privateKey, cert: forge.pki.certificateToPem(certificate) };
}

export class ScriptedService {
  /** What came with a token, in order. */
  readonly seen: Seen[] = [];
  connections = 0;
  tokenRequests = 0;
  /** Answers what comes with a token. */
  script: (seen: Seen, nth: number) => Reply | Promise<Reply> = () => ok({ value: [] });
  /** Answers what comes without a token. */
  challengeScript: () => Reply = () => this.challenge();
  /** Answers the token endpoint. */
  tokenScript: (form: URLSearchParams) => Reply = () => this.token();
  readonly folder: string;
  readonly #server: Server;
  #hsms: RestHsm[] = [];

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.folder = folder;
  }

  static async start(): Promise<ScriptedService> {
    const { key, cert } = selfSigned();
    const folder = mkdtempSync(join(tmpdir(), 'mhsm-scripted-'));
    writeFileSync(join(folder, 'ca.pem'), cert);
    const server = createServer({ key, cert, keepAliveTimeout: 0 });
    const service = new ScriptedService(server, folder);
    server.on('secureConnection', () => service.connections++);
    server.on('request', (request, response) => void service.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return service;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  challenge(): Reply {
    const header = `Bearer authorization="${this.url}/${TENANT}", resource="${this.url}"`;
    return { status: 401, headers: { 'www-authenticate': header } };
  }

  token(seconds = 3600, token = `token-${this.tokenRequests}`): Reply {
    return ok({ token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token });
  }

  configuration(token: object = {}, top: object = {}): Configuration {
    const tokens = [
      { slotid: 0, baseUrl: this.url, authorityHost: this.url, caFile: join(this.folder, 'ca.pem'), ...token },
    ];
    return parseConfiguration(JSON.stringify({ tokens, ...top }), 'test.conf').configuration;
  }

  /** An HSM at this service, closed with it. Few connections, so that a test sees each. */
  hsm(token: object = {}, top: object = {}, options: HsmOptions = {}): RestHsm {
    const configuration = this.configuration(token, { ConnectionCache: { MaxConnections: 1 }, ...top });
    const [first] = configuration.tokens;
    if (first === undefined) throw new Error('no token');
    const hsm = createHsm(first, configuration, options);
    this.#hsms.push(hsm);
    return hsm;
  }

  /** The service principal of PIN, with its token. */
  async loggedIn(top: object = {}): Promise<HsmIdentity> {
    const identity = this.hsm({}, top).identityOfPin(PIN);
    await identity.authenticate();
    return identity;
  }

  /** Cuts every connection that is open. */
  cutConnections(): void {
    this.#server.closeAllConnections();
  }

  /** Between tests: as if just started. */
  async reset(): Promise<void> {
    await Promise.all(this.#hsms.map((hsm) => hsm.close()));
    this.#hsms = [];
    this.seen.length = 0;
    this.connections = 0;
    this.tokenRequests = 0;
    this.script = () => ok({ value: [] });
    this.challengeScript = () => this.challenge();
    this.tokenScript = () => this.token();
  }

  async stop(): Promise<void> {
    await this.reset();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => '');
    const reply = await this.#reply(request, body);
    if (reply === 'reset') return void request.socket.destroy();
    if (reply === 'hang') return;
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json)));
  }

  #reply(request: IncomingMessage, body: string): Reply | Promise<Reply> {
    const { method = '', url: path = '', headers } = request;
    if (path.includes('/.well-known/openid-configuration')) return ok(this.#openId());
    if (path.includes('/oauth2/v2.0/token')) {
      this.tokenRequests++;
      return this.tokenScript(new URLSearchParams(body));
    }
    const { authorization } = headers;
    if (authorization === undefined) return this.challengeScript();
    const seen = { method, path, authorization, body };
    this.seen.push(seen);
    return this.script(seen, this.seen.length);
  }

  #openId() {
    const base = `${this.url}/${TENANT}`;
    return {
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    };
  }
}
