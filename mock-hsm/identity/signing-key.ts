// The key that Entra ID signs tokens with, and its public half for whoever checks them.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';

/** The PKCS#8 PEM of a new signing key. */
export function makeSigningKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export class SigningKey {
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;
  readonly #keyId: string;

  /** @param pem PKCS#8, RSA */
  constructor(pem: string) {
    this.#privateKey = createPrivateKey(pem);
    this.publicKey = createPublicKey(this.#privateKey);
    const der = this.publicKey.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha1').update(der).digest('base64url');
  }

  /** A signed JWT (RS256). The claims are taken as they are. */
  sign(claims: JWTPayload): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256', x5t: this.#keyId, kid: this.#keyId })
      .sign(this.#privateKey);
  }

  /** The public key as a JWK of the JWKS endpoint. */
  jwk() {
    const { n, e } = this.publicKey.export({ format: 'jwk' });
    return { kty: 'RSA', use: 'sig', kid: this.#keyId, x5t: this.#keyId, n, e };
  }
}
