// An RSA key with a certificate of the mock's CA, made when it is first needed and then kept.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { keptSetting } from '../store/settings.ts';
import type { Store } from '../store/store.ts';
import { type Certificate, makeServerCertificate } from '../tls/certificate-authority.ts';

export interface SigningIdentity {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Own certificate, then the CA's. */
  readonly certificatesPem: string;
  /** The same as base64 DER (RFC 7515 section 4.1.6). */
  readonly x5c: readonly string[];
  /** SHA-256 thumbprint of the certificate, base64url. */
  readonly kid: string;
}

/**
 * A function that gives the identity kept under `name`, always the same.
 * @param commonName a DNS-like name for the certificate
 */
export function signingIdentity(
  store: Store,
  ca: Certificate,
  name: string,
  commonName: string,
): () => Promise<SigningIdentity> {
  const make = async () => JSON.stringify(await makeServerCertificate(ca, [commonName], new Date()));
  let identity: Promise<SigningIdentity> | undefined;
  return () => {
    identity ??= keptSetting(store, name, make).then((text) => identityOf(JSON.parse(text) as Certificate, ca));
    return identity;
  };
}

function identityOf({ certPem, keyPem }: Certificate, ca: Certificate): SigningIdentity {
  const der = [certPem, ca.certPem].map((pem) => new X509Certificate(pem).raw);
  return {
    privateKey: createPrivateKey(keyPem),
    publicKey: createPublicKey(certPem),
    certificatesPem: `${certPem.trim()}\n${ca.certPem.trim()}\n`,
    x5c: der.map((bytes) => bytes.toString('base64')),
    kid: createHash('sha256')
      .update(der[0] ?? '')
      .digest('base64url'),
  };
}
