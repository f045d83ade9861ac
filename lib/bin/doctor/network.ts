/** Whether the host of a token can be found, reached, and trusted. */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, getCACertificates, type TLSSocket } from 'node:tls';
import type { Configuration, TokenConfiguration } from '../../config/configuration.ts';
import { readPem } from '../../mhsm/credential.ts';
import { examineClock } from './clock.ts';
import { type Finding, failed, failure, good, skipped, warning } from './finding.ts';

const PATIENCE_MS = 5000;
const DAY_MS = 86_400_000;
/** Days before its end that a certificate is worth a word. */
export const SOON_DAYS = 14;

interface Address {
  readonly host: string;
  readonly port: number;
}

function addressOf({ baseUrl }: TokenConfiguration): Address {
  const { hostname, port } = new URL(baseUrl);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);

async function dns({ host }: Address, path: string): Promise<Finding> {
  try {
    const addresses = await lookup(host, { all: true });
    return good('DNS', `${host} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    const todo = `correct the address in ${path}, or the name servers of this host (private endpoints need a private DNS zone)`;
    return failed('DNS', `${host} has no address: ${codeOf(error)}`, todo);
  }
}

/** A socket that is connected, or the error. The caller destroys it. */
function connected<T extends Socket>(socket: T, event: 'connect' | 'secureConnect'): Promise<T> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve(socket));
    socket.once('error', reject);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
  });
}

async function tcp({ host, port }: Address, path: string): Promise<Finding> {
  const beginMs = performance.now();
  try {
    const socket = await connected(connectTcp(port, host), 'connect');
    socket.destroy();
    return good('TCP', `port ${port} answers in ${Math.ceil(performance.now() - beginMs)} ms`);
  } catch (error) {
    const todo = `check firewalls and the network rules of the HSM, and the address in ${path}`;
    return failed('TCP', `port ${port} of ${host} cannot be reached: ${codeOf(error)}`, todo);
  }
}

function validityOf(socket: TLSSocket): Finding {
  const { subject, issuer, valid_to } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(valid_to) - Date.now()) / DAY_MS);
  const text = `${socket.getProtocol()}, certificate of ${subject?.CN ?? 'nobody'} by ${issuer?.CN ?? issuer?.O ?? 'nobody'}, for ${days} more days`;
  if (days >= SOON_DAYS) return good('TLS', text);
  return warning('TLS', text, 'renew it in time; for a Managed HSM of Azure that is Microsoft’s to do');
}

function untrusted(socket: TLSSocket, { path, caFile }: TokenConfiguration): Finding {
  const why = String(socket.authorizationError);
  const text = `the certificate of ${socket.getPeerCertificate().subject?.CN ?? 'the server'} is not trusted: ${why}`;
  if (/ALTNAME/.test(why)) return failed('TLS', text, `it is for another name: correct the address in ${path}`);
  if (/EXPIRED|NOT_YET/.test(why)) return failed('TLS', text, 'renew it, and check the clock of this host');
  const other = caFile === undefined ? `set caFile of ${path}` : `correct ${caFile}`;
  return failed(
    'TLS',
    text,
    `${other}: the PEM file of the authority that issued it, unless somebody listens on the way`,
  );
}

async function tls(token: TokenConfiguration, { options }: Configuration): Promise<Finding> {
  const { host, port } = addressOf(token);
  try {
    const ca =
      token.caFile === undefined ? getCACertificates('default') : [readPem(token.caFile, `caFile of ${token.path}`)];
    const socket = await connected(
      connectTls({ host, port, servername: /[a-z]/i.test(host) ? host : '', ca, rejectUnauthorized: false }),
      'secureConnect',
    );
    const finding = socket.authorized ? validityOf(socket) : untrusted(socket, token);
    socket.destroy();
    if (!options.DisableTLSAuthentication) return finding;
    return warning(
      'TLS',
      'DisableTLSAuthentication is on: anybody on the way can pose as the HSM',
      'use caFile instead',
    );
  } catch (error) {
    if (error instanceof Error && 'hint' in error) return failure('TLS', error);
    const todo = `no HTTPS server may be there: check the address in ${token.path}, and proxies on the way`;
    return failed('TLS', `no TLS with ${host}: ${codeOf(error)}`, todo);
  }
}

/** The way to the HSM, up to the first step that fails. */
export async function examineNetwork(token: TokenConfiguration, configuration: Configuration): Promise<Finding[]> {
  const address = addressOf(token);
  const found = await dns(address, token.path);
  if (found.outcome === 'failed') return [found, ...['TCP', 'TLS', 'clock'].map((check) => skipped(check, 'DNS'))];
  const reached = await tcp(address, token.path);
  if (reached.outcome === 'failed') return [found, reached, skipped('TLS', 'TCP'), skipped('clock', 'TCP')];
  return [found, reached, await tls(token, configuration), await examineClock(token)];
}
