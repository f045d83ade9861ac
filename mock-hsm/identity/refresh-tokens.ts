// Refresh tokens: what was granted, encrypted under the data folder's key. Nothing needs to be remembered for them, and
// they outlive a restart.
import type { Seal } from '../store/seal.ts';

export interface RefreshGrant {
  readonly userObjectId: string;
  readonly clientId: string;
  readonly issuedS: number;
  /** What is asked for when the refreshing request does not say. */
  readonly scope: string;
}

/** Entra ID's own: a refresh token ends after 90 days. */
const lifetimeS = 90 * 86_400;

const context = 'refreshToken';

export class RefreshTokens {
  readonly #seal: Seal;

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  issue(grant: RefreshGrant): string {
    return `1.${this.#seal.close(Buffer.from(JSON.stringify(grant)), context)}`;
  }

  /** The grant of a token; `expired` after 90 days, undefined when it is not one of this mock's. */
  open(token: string, nowS: number): RefreshGrant | 'expired' | undefined {
    try {
      const grant = JSON.parse(this.#seal.open(token.replace(/^1\./, ''), context).toString()) as RefreshGrant;
      return grant.issuedS + lifetimeS <= nowS ? 'expired' : grant;
    } catch {
      return undefined;
    }
  }
}
