// The mock's own CA and the server certificate it signs. Keys by node:crypto, X.509 by node-forge.
import { createPrivateKey, generateKeyPair, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';

export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

const caYears = 10;
/** What clients accept at most today, less a day for clocks. */
const serverDays = 397;

/** node-forge signs with RSA keys alone. */
const generatePair = promisify(generateKeyPair);

/** Makes a self-signed CA. PEM, the key as PKCS#8. */
export async function makeAuthority(now: Date): Promise<Certificate> {
  const { publicKey, privateKey } = await newKey();
  const certificate = draft(publicKey, now, new Date(now.getTime() + caYears * 365 * 86_400_000));
  const name = [{ name: 'commonName', value: `mock-hsm CA ${randomBytes(4).toString('hex')}` }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return sign(certificate, privateKey, privateKey);
}

/** Makes a server certificate for host names (wildcards too) and IP addresses. */
export async function makeServerCertificate(
  ca: Certificate,
  names: readonly string[],
  now: Date,
): Promise<Certificate> {
  const { publicKey, privateKey } = await newKey();
  const issuer = forge.pki.certificateFromPem(ca.certPem);
  const certificate = draft(publicKey, now, new Date(now.getTime() + serverDays * 86_400_000));
  certificate.setSubject([{ name: 'commonName', value: names[0] ?? 'localhost' }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
    { name: 'subjectAltName', altNames: names.map(altName) },
  ]);
  return sign(certificate, createPrivateKey(ca.keyPem).export({ type: 'pkcs1', format: 'pem' }).toString(), privateKey);
}

/** GeneralName: 2 is dNSName, 7 is iPAddress (RFC 5280 section 4.2.1.6). */
const altName = (name: string) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name });

async function newKey(): Promise<{ publicKey: string; privateKey: string }> {
  return generatePair('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}

function draft(publicKey: string, now: Date, until: Date): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // A first byte from 0x40 to 0x7f keeps the serial number positive, and its DER without a needless leading zero byte.
  const [first = 0, ...rest] = randomBytes(16);
  certificate.serialNumber = Buffer.from([(first & 0x3f) | 0x40, ...rest]).toString('hex');
  // Other machines' clocks may be behind.
  certificate.validity.notBefore = new Date(now.getTime() - 86_400_000);
  certificate.validity.notAfter = until;
  return certificate;
}

function sign(certificate: forge.pki.Certificate, signingKeyPem: string, ownKeyPem: string): Certificate {
  certificate.sign(forge.pki.privateKeyFromPem(signingKeyPem), forge.md.sha256.create());
  const keyPem = createPrivateKey(ownKeyPem).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certPem: forge.pki.certificateToPem(certificate), keyPem };
}
