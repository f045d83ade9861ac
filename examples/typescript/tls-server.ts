/**
 * An HTTPS server of Node whose private keys stay in the HSM:
 *
 *   export OPENSSL_CONF=/etc/node-tls/openssl.cnf
 *   node --openssl-shared-config tls-server.ts /etc/node-tls www.example.com=rsa,ec shop.example.com=shop
 *
 * The folder has, for each certificate that a name is given, `rsa.crt` (PEM, its issuer's certificate behind it), and a file
 * that names its key:
 *
 *   Debian 13, pkcs11-provider  rsa.key  what examples/openssl/key-pem.sh writes; openssl.cnf is openssl-provider.cnf beside it
 *   Debian 12, engine           rsa.uri  pkcs11:token=myhsm;object=tlsRsa;type=private; openssl.cnf is openssl-mhsm.cnf of
 *                                        examples/nginx. One certificate a name.
 *
 * `clients.crt`: whose client certificates are believed. `www.example.com.ocsp`, if there is one: the answer about all
 * certificates of the name that is stapled (`openssl ocsp -respout`, from cron). SIGHUP reads everything anew.
 *
 * Each full handshake holds the event loop until the HSM has signed.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import process from 'node:process';
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';

/** As it is called in openssl.cnf. */
const ENGINE = 'pkcs11';
const MAX_SESSIONS = 20_000;

const [folder = '/etc/node-tls', ...names] = process.argv.slice(2);
const file = (name: string): Buffer => readFileSync(join(folder, name));

/** By the names that clients ask for (SNI), the first one left out: Node serves other than it with one certificate a name. */
const contexts = new Map<string, SecureContext>();
/** OCSP answers by certificate. */
const answers = new Map<string, Buffer>();

function keysOf(certificates: readonly string[]): SecureContextOptions {
  const [first = ''] = certificates;
  if (!existsSync(join(folder, `${first}.uri`))) return { key: certificates.map((name) => file(`${name}.key`)) };
  return { privateKeyEngine: ENGINE, privateKeyIdentifier: file(`${first}.uri`).toString().trim() };
}

function read(argument: string, place: number): SecureContextOptions {
  const [name = '', list = ''] = argument.split('=');
  const certificates = list.split(',');
  const cert = certificates.map((certificate) => file(`${certificate}.crt`));
  const options = { cert, ca: file('clients.crt'), ...keysOf(certificates) };
  if (place > 0) contexts.set(name, createSecureContext(options));
  if (existsSync(join(folder, `${name}.ocsp`))) {
    for (const pem of cert) answers.set(new X509Certificate(pem).raw.toString('base64'), file(`${name}.ocsp`));
  }
  return options;
}

/** Reads all names; gives the first one, which is served to clients that ask for none of the others. */
function readAll(): SecureContextOptions {
  answers.clear();
  const [first = {}] = names.map(read);
  return first;
}

const server = createServer(
  {
    ...readAll(),
    requestCert: true,
    rejectUnauthorized: false,
    SNICallback: (name, done) => done(null, contexts.get(name)),
  },
  (request, response) => {
    const { authorized } = request.socket as TLSSocket;
    // Where clients need a certificate.
    if (request.url?.startsWith('/staff') && !authorized) response.writeHead(403);
    response.end('signed in the HSM\n');
  },
);

server.on(
  'OCSPRequest',
  (certificate: Buffer, _issuer: Buffer, done: (error: Error | null, answer: Buffer | null) => void) =>
    done(null, answers.get(certificate.toString('base64')) ?? null),
);

// Resumed sessions need no signature. Tickets work by themselves; session ids, for clients without tickets, are kept here.
const sessions = new Map<string, Buffer>();
server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
  const [oldest] = sessions.keys();
  if (sessions.size >= MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
  sessions.set(id.toString('hex'), session);
  done();
});
server.on('resumeSession', (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) =>
  done(null, sessions.get(id.toString('hex')) ?? null),
);

process.on('SIGHUP', () => {
  try {
    server.setSecureContext(readAll());
    console.log('read anew');
  } catch (error) {
    console.error('serves on with what it read before:', error);
  }
});

server.listen(Number(process.env.PORT ?? 8443), () => console.log(`serves ${JSON.stringify(server.address())}`));
