/** Values as expressions of TypeScript, for programs to be run as they stand. */

/** An expression of its own for a value at a place such as `mechanism.type`; undefined: the value as it is. */
export type Wording = (place: string, value: unknown) => string | undefined;

export const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

/** Bytes that differ from place to place, so that parts in another order are another message. */
export const longBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255);

/** More hexadecimal digits than that nobody reads. */
const MOST_BYTES_IN_DIGITS = 1000;

function ofBytes(bytes: Uint8Array): string {
  if (bytes.length > MOST_BYTES_IN_DIGITS && Buffer.from(longBytes(bytes.length)).equals(bytes)) {
    return `longBytes(${bytes.length})`;
  }
  return `hex('${Buffer.from(bytes).toString('hex')}')`;
}

function ofText(text: string): string {
  const quoted = JSON.stringify(text);
  return /['"\\]/.test(text) || quoted.includes('\\') ? quoted : `'${text}'`;
}

/** `__proto__: x` would set the prototype. */
function nameOfField(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_]\w*$/.test(name) ? name : ofText(name);
}

function ofFields(value: object, wording: Wording, place: string): string {
  const fields = Object.entries(value).map(([name, field]) => {
    const words = literalOf(field, wording, place === '' ? name : `${place}.${name}`);
    return words === name ? name : `${nameOfField(name)}: ${words}`;
  });
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

export function literalOf(value: unknown, wording: Wording = () => undefined, place = ''): string {
  const words = wording(place, value);
  if (words !== undefined) return words;
  const list = (items: Iterable<unknown>) => `[${Array.from(items, (it) => literalOf(it, wording, place)).join(', ')}]`;
  if (value instanceof Uint8Array) return ofBytes(value);
  if (value instanceof Map) return value.size === 0 ? 'new Map()' : `new Map(${list(value)})`;
  if (Array.isArray(value)) return list(value);
  if (typeof value === 'object' && value !== null) return ofFields(value, wording, place);
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'string' ? ofText(value) : String(value);
}
