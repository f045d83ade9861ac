/** Values of a configuration as messages may show them: a secret never. */
import type { Path } from './json-text.ts';

/** An address with a password in it, or a PIN as callers know it: client id and secret with a colon between. */
const SECRET_TEXT = /:\/\/.*@|^\s*[0-9a-f]{8}-[0-9a-f-]{27}:/i;

/** By its name, or by what it looks like. */
export function isSecret(key: string, value: unknown): boolean {
  return /secret|password|pin$/i.test(key) || SECRET_TEXT.test(String(value));
}

/** A secret may stand one level too high, or too low. */
function mayBeSecret(path: Path, value: unknown): boolean {
  if (path.some((part) => isSecret(String(part), value))) return true;
  return path.at(-1) === 'credential' && typeof value === 'string';
}

/** What was found at a path. Secrets are not shown, and of objects only the keys: a secret may be inside. */
export function shownValue(path: Path, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (mayBeSecret(path, value)) return 'a value that is not shown';
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).join(', ');
    return keys === '' ? '{}' : `an object with ${keys}`;
  }
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
