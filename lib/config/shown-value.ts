/** Values of a configuration as messages may show them: a secret never. */
import type { Path } from './json-text.ts';

/** By its name, or an address with a password in it. */
export function isSecret(key: string, value: unknown): boolean {
  return /secret|password|pin$/i.test(key) || /:\/\/[^/]*@/.test(String(value));
}

/** What was found at a path. Secrets are not shown, and of objects only the keys: a secret may be inside. */
export function shownValue(path: Path, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (isSecret(String(path.at(-1)), value)) return 'a value that is not shown';
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).join(', ');
    return keys === '' ? '{}' : `an object with ${keys}`;
  }
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
