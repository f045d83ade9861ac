// The settings of the pool. There is one that anybody outside has seen.
import { badParameter, invalidSetting } from '../service-error.ts';
import { keptSetting, writeSetting } from '../store/settings.ts';
import type { Store } from '../store/store.ts';

export interface PoolSetting {
  readonly name: string;
  readonly type: 'boolean';
  /** `true` or `false`, as text. */
  readonly value: string;
}

const storedName = 'poolSettings';

const defaults: readonly PoolSetting[] = [
  { name: 'AllowKeyManagementOperationsThroughARM', type: 'boolean', value: 'false' },
];

export class PoolSettings {
  readonly #store: Store;
  #settings: readonly PoolSetting[];

  private constructor(store: Store, settings: readonly PoolSetting[]) {
    this.#store = store;
    this.#settings = settings;
  }

  static async open(store: Store): Promise<PoolSettings> {
    const text = await keptSetting(store, storedName, () => JSON.stringify(defaults));
    return new PoolSettings(store, JSON.parse(text) as PoolSetting[]);
  }

  all(): readonly PoolSetting[] {
    return this.#settings;
  }

  /** Names compare without regard to case. Throws InvalidSetting. */
  get(name: string): PoolSetting {
    const found = this.#settings.find((setting) => setting.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw invalidSetting();
    return found;
  }

  /** Throws InvalidSetting, or BadParameter for a value that is not of the setting's type. */
  set(name: string, value: string): PoolSetting {
    const old = this.get(name);
    if (!/^(true|false)$/i.test(value))
      throw badParameter(`${old.name} must be true or false, not ${value.slice(0, 40)}`);
    const changed = { ...old, value: value.toLowerCase() };
    const settings = this.#settings.map((each) => (each === old ? changed : each));
    writeSetting(this.#store, storedName, JSON.stringify(settings));
    this.#settings = settings;
    return changed;
  }
}
