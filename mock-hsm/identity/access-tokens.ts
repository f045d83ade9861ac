// Issues tokens, and checks those that come back to the pool.
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { accessClaims, type Grant, identityClaims, issuerV1, issuerV2 } from './claims.ts';
import type { Directory } from './directory.ts';
import type { UserEntry } from './directory-model.ts';
import { managedHsmAudience } from './resource.ts';
import { SigningKey } from './signing-key.ts';
import type { TokenLifetime } from './token-lifetime.ts';

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

/** A token is valid from a little before it was asked for, since other machines' clocks may be behind. */
const startsBeforeS = 300;
const maxRemembered = 10_000;

interface Remembered {
  readonly holder: TokenHolder;
  readonly audience: string;
  readonly startsS: number;
  readonly expiresS: number;
  readonly issuedS: number;
}

export class AccessTokens {
  readonly tenantId: string;
  readonly lifetime: TokenLifetime;
  readonly #key: SigningKey;
  readonly #directory: Directory;
  readonly #nowS: () => number;
  /** A client shows the same token with every sign; its signature is checked once. */
  readonly #verified = new Map<string, Remembered>();
  /** Tokens issued in this second or before are refused, except those issued after the revocation. */
  #revokedS = Number.NEGATIVE_INFINITY;
  readonly #issuedSince = new Set<string>();

  constructor(
    tenantId: string,
    signingKeyPem: string,
    lifetime: TokenLifetime,
    directory: Directory,
    nowS: () => number,
  ) {
    this.tenantId = tenantId;
    this.lifetime = lifetime;
    this.#key = new SigningKey(signingKeyPem);
    this.#directory = directory;
    this.#nowS = nowS;
  }

  /** Public keys as the JWKS endpoint answers them. */
  jwks() {
    return { keys: [{ ...this.#key.jwk(), issuer: issuerV1(this.tenantId) }] };
  }

  async issue(grant: Grant, audience: string): Promise<IssuedToken> {
    const { tenantId } = this;
    const groups = this.#directory.groupsOf(grant.subject.objectId);
    const expiresInS = grant.subject.tokenLifetimeS ?? this.lifetime.seconds;
    const claims = accessClaims({ ...grant, tenantId, audience, groups });
    return { accessToken: await this.#sign(claims, expiresInS), expiresInS };
  }

  /** An id_token for the application `clientId`. @param issuer as the discovery of the same host names it */
  issueIdentity(user: UserEntry, clientId: string, issuer: string): Promise<string> {
    return this.#sign(identityClaims(user, clientId, this.tenantId, issuer), this.lifetime.seconds);
  }

  /**
   * Who the token speaks for, or why it is refused (for the log; callers learn nothing but 401).
   * @param audience what this pool goes by on the host of the request, beside the service's own name
   */
  async verify(token: string, audience: string): Promise<TokenHolder | { refused: string }> {
    const known = this.#verified.get(token) ?? (await this.#check(token));
    if ('refused' in known) return known;
    const nowS = this.#nowS();
    if (known.issuedS <= this.#revokedS && !this.#issuedSince.has(token)) return { refused: 'the token was revoked' };
    if (known.expiresS <= nowS) return { refused: `the token expired at ${iso(known.expiresS)}` };
    if (known.startsS > nowS) return { refused: `the token is not valid before ${iso(known.startsS)}` };
    if (known.audience !== managedHsmAudience && known.audience !== audience) {
      return { refused: `the token's audience is ${known.audience}, not ${audience}` };
    }
    return known.holder;
  }

  /** Refuses every token issued so far. */
  revokeAll(): void {
    this.#revokedS = this.#nowS();
    this.#issuedSince.clear();
  }

  async #sign(claims: JWTPayload, lifetimeS: number): Promise<string> {
    const nowS = this.#nowS();
    const token = await this.#key.sign({ ...claims, iat: nowS, nbf: nowS - startsBeforeS, exp: nowS + lifetimeS });
    if (nowS <= this.#revokedS) this.#issuedSince.add(token);
    return token;
  }

  /** Everything that time and host do not change. */
  async #check(token: string): Promise<Remembered | { refused: string }> {
    try {
      const { payload } = await jwtVerify(token, this.#key.publicKey, {
        algorithms: ['RS256'],
        issuer: [issuerV1(this.tenantId), issuerV2(this.tenantId)],
        requiredClaims: ['aud', 'exp', 'oid', 'tid'],
        // Expiry is looked at with every call; here any time will do at which it is not over.
        currentDate: new Date(0),
        clockTolerance: Number.MAX_SAFE_INTEGER,
      });
      if (payload.tid !== this.tenantId) return { refused: `the token is of tenant ${String(payload.tid)}` };
      const entry = {
        holder: this.#holderOf(payload),
        audience: String(payload.aud).replace(/\/$/, ''),
        startsS: payload.nbf ?? 0,
        expiresS: payload.exp ?? 0,
        issuedS: payload.iat ?? 0,
      };
      if (this.#verified.size >= maxRemembered) this.#verified.clear();
      this.#verified.set(token, entry);
      return entry;
    } catch (error) {
      const reason = error instanceof errors.JOSEError ? `: ${error.message}` : '';
      return { refused: `the token is not valid${reason}` };
    }
  }

  /** Where the groups did not fit into the token, the directory knows them. */
  #holderOf({ oid, groups, appid, azp, hasgroups, _claim_names }: JWTPayload): TokenHolder {
    const objectId = String(oid);
    const overage = hasgroups === true || _claim_names !== undefined;
    const named = Array.isArray(groups) ? groups.map(String) : [];
    return {
      objectId,
      groups: overage ? this.#directory.groupsOf(objectId) : named,
      clientId: String(appid ?? azp ?? ''),
    };
  }
}

const iso = (unixS: number) => new Date(unixS * 1000).toISOString();
