// Device code logins under way: a device polls with its device code while a user enters the user code elsewhere.
import { randomBytes, randomInt } from 'node:crypto';

export interface DeviceLogin {
  readonly deviceCode: string;
  /** Nine characters that a person can type. */
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: string;
  readonly expiresS: number;
  /** Object id of the user who approved. */
  readonly approvedBy?: string;
  readonly declined?: boolean;
}

/** Seconds, as Entra ID's. */
export const deviceCodeLifetimeS = 900;

const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const userCodeLength = 9;
const maxPending = 1000;

export class DeviceCodes {
  readonly #logins = new Map<string, DeviceLogin>();
  readonly #nowS: () => number;

  constructor(nowS: () => number) {
    this.#nowS = nowS;
  }

  /** Begins a login. The oldest is forgotten when there are too many. */
  begin(clientId: string, scope: string): DeviceLogin {
    const login: DeviceLogin = {
      deviceCode: randomBytes(48).toString('base64url'),
      userCode: Array.from({ length: userCodeLength }, () => alphabet[randomInt(alphabet.length)]).join(''),
      clientId,
      scope,
      expiresS: this.#nowS() + deviceCodeLifetimeS,
    };
    const oldest = this.#logins.keys().next().value;
    if (this.#logins.size >= maxPending && oldest !== undefined) this.#logins.delete(oldest);
    this.#logins.set(login.deviceCode, login);
    return login;
  }

  /** Logins that wait for a user. */
  pending(): DeviceLogin[] {
    return [...this.#logins.values()].filter((login) => isWaiting(login) && login.expiresS > this.#nowS());
  }

  /** Approves, or declines when `objectId` is undefined. @returns whether such a login waits */
  answer(userCode: string, objectId: string | undefined): boolean {
    const wanted = userCode.trim().toUpperCase();
    const login = this.pending().find((each) => each.userCode === wanted);
    if (login === undefined) return false;
    const outcome = objectId === undefined ? { declined: true } : { approvedBy: objectId };
    this.#logins.set(login.deviceCode, { ...login, ...outcome });
    return true;
  }

  find(deviceCode: string): DeviceLogin | undefined {
    return this.#logins.get(deviceCode);
  }

  /** A device code gives tokens once. */
  end(deviceCode: string): void {
    this.#logins.delete(deviceCode);
  }
}

const isWaiting = ({ approvedBy, declined }: DeviceLogin) => approvedBy === undefined && declined !== true;
