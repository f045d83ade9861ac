// Single values that are made once and kept: tenant id, certificate authority, token signing key.
import type { Store } from './store.ts';

interface Setting {
  name: string;
  sealed: string;
}

/** Reads a kept value; undefined when there is none. The value is a string and is encrypted at rest. */
export function readSetting(store: Store, name: string): string | undefined {
  const found = store.records.all<Setting>('setting').find((setting) => setting.name === name);
  return found === undefined ? undefined : store.seal.open(found.sealed, name).toString();
}

/** Reads a kept value, or makes and keeps it. */
export async function keptSetting(store: Store, name: string, make: () => string | Promise<string>): Promise<string> {
  const found = readSetting(store, name);
  if (found !== undefined) return found;
  const value = await make();
  writeSetting(store, name, value);
  return value;
}

/** Keeps a value in the place of the one before. */
export function writeSetting(store: Store, name: string, value: string): void {
  const setting: Setting = { name, sealed: store.seal.close(Buffer.from(value), name) };
  store.records.apply([{ kind: 'setting', id: name, body: setting }]);
}
