// How long access tokens live, for principals without a life of their own. What a seed says of it is kept.
import { readSetting, writeSetting } from '../store/settings.ts';
import type { Store } from '../store/store.ts';

const settingName = 'tokenLifetime';
const standardS = 3600;

export class TokenLifetime {
  readonly #store: Store;
  /** In seconds. Whoever sets it changes it for as long as this process runs. */
  seconds: number;

  /** @param seconds what holds for this run, whatever is kept */
  constructor(store: Store, seconds: number | undefined) {
    this.#store = store;
    this.seconds = seconds ?? Number(readSetting(store, settingName) ?? standardS);
  }

  /** Sets it, also for later starts. */
  keep(seconds: number): void {
    writeSetting(this.#store, settingName, String(seconds));
    this.seconds = seconds;
  }
}
