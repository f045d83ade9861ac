import type { Configuration } from './configuration.ts';
import { isSecret } from './shown-value.ts';

/** The configuration as a log begins with it: every default in its place, switches as 0 and 1, no secrets. */
export function dumpOf({ file: _path, ...values }: Configuration): object {
  const json = JSON.stringify(values, (key, value: unknown) => {
    if (typeof value === 'boolean') return Number(value);
    return typeof value === 'string' && value !== '' && isSecret(key, value) ? '[cut]' : value;
  });
  return JSON.parse(json) as object;
}
