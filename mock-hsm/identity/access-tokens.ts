// Access tokens: RS256 JWTs with the claims of Entra ID's v1 form.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { ServicePrincipalEntry } from './directory-model.ts';
import { managedHsmAudience } from './resource.ts';

/** Who a valid token speaks for. */
export interface TokenHolder {
  readonly objectId: string;
  readonly groups: readonly string[];
  readonly clientId: string;
}

export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresInS: number;
}

/** The PKCS#8 PEM of a new signing key. */
export function makeSigningKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const clockToleranceS = 60;
const maxRemembered = 10_000;

export class AccessTokens {
  readonly tenantId: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;
  readonly #lifetimeS: number;
  readonly #nowS: () => number;
  /** A client shows the same token with every sign; its signature is checked once. */
  readonly #verified = new Map<string, { holder: TokenHolder; audience: string; expiresS: number }>();

  constructor(tenantId: string, signingKeyPem: string, lifetimeS: number, nowS: () => number) {
    this.tenantId = tenantId;
    this.#privateKey = createPrivateKey(signingKeyPem);
    this.#publicKey = createPublicKey(this.#privateKey);
    this.#keyId = createHash('sha1')
      .update(this.#publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64url');
    this.#lifetimeS = lifetimeS;
    this.#nowS = nowS;
  }

  /** The issuer of v1 tokens, whichever host the mock is reached by. */
  get issuer(): string {
    return `https://sts.windows.net/${this.tenantId}/`;
  }

  /** Public keys as the JWKS endpoint answers them. */
  jwks() {
    const { n, e, kty } = this.#publicKey.export({ format: 'jwk' });
    return { keys: [{ kty, use: 'sig', kid: this.#keyId, x5t: this.#keyId, n, e, issuer: this.issuer }] };
  }

  /** @param appidacr how the client proved itself: "1" secret, "2" certificate */
  async issue(principal: ServicePrincipalEntry, audience: string, appidacr: '1' | '2'): Promise<IssuedToken> {
    const nowS = this.#nowS();
    const accessToken = await new SignJWT({
      aud: audience,
      iss: this.issuer,
      appid: principal.clientId,
      appidacr,
      idp: this.issuer,
      idtyp: 'app',
      oid: principal.objectId,
      sub: principal.objectId,
      tid: this.tenantId,
      uti: randomUUID(),
      ver: '1.0',
    })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: this.#keyId, x5t: this.#keyId })
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(nowS + this.#lifetimeS)
      .sign(this.#privateKey);
    return { accessToken, expiresInS: this.#lifetimeS };
  }

  /**
   * Who the token speaks for, or why it is refused (for the log; callers learn nothing but 401).
   * @param audience what this pool goes by on the host of the request, beside the service's own name
   */
  async verify(token: string, audience: string): Promise<TokenHolder | { refused: string }> {
    const known = this.#verified.get(token) ?? (await this.#check(token));
    if ('refused' in known) return known;
    if (known.expiresS + clockToleranceS <= this.#nowS()) {
      this.#verified.delete(token);
      return { refused: 'the token has expired' };
    }
    if (known.audience !== managedHsmAudience && known.audience !== audience) {
      return { refused: `the token's audience is ${known.audience}` };
    }
    return known.holder;
  }

  async #check(token: string) {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: ['RS256'],
        issuer: [this.issuer, `https://login.microsoftonline.com/${this.tenantId}/v2.0`],
        clockTolerance: clockToleranceS,
        currentDate: new Date(this.#nowS() * 1000),
        requiredClaims: ['aud', 'exp', 'oid', 'tid'],
      });
      if (payload.tid !== this.tenantId) return { refused: `the token is of tenant ${String(payload.tid)}` };
      const { groups } = payload;
      const entry = {
        holder: {
          objectId: String(payload.oid),
          groups: Array.isArray(groups) ? groups.map(String) : [],
          clientId: String(payload.appid ?? payload.azp ?? ''),
        },
        audience: String(payload.aud).replace(/\/$/, ''),
        expiresS: payload.exp ?? 0,
      };
      if (this.#verified.size >= maxRemembered) this.#verified.clear();
      this.#verified.set(token, entry);
      return entry;
    } catch (error) {
      return {
        refused: error instanceof errors.JOSEError ? `${error.code}: ${error.message}` : 'the token is malformed',
      };
    }
  }
}
