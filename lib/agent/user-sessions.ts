import type { SessionAllowance } from '../core/session.ts';

/** A server has one or a few a process; a pool of sessions some thousand. */
export const MAX_SESSIONS_OF_USER = 16_384;

/** An allowance of one client process, which ends with it. */
export interface ClientSessions extends SessionAllowance {
  end(): void;
}

/** How many sessions the processes of each user have open together, so that those of one cannot fill the memory. */
export class UserSessions {
  readonly #most: number;
  readonly #open = new Map<number, number>();

  constructor(most = MAX_SESSIONS_OF_USER) {
    this.#most = most;
  }

  of(uid: number): ClientSessions {
    let own = 0;
    const count = (change: number) => {
      own += change;
      const open = (this.#open.get(uid) ?? 0) + change;
      if (open === 0) this.#open.delete(uid);
      else this.#open.set(uid, open);
    };
    return {
      take: () => {
        if ((this.#open.get(uid) ?? 0) >= this.#most) return false;
        count(1);
        return true;
      },
      give: () => count(-1),
      end: () => count(-own),
    };
  }
}
