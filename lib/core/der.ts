/** As much DER as keys, DigestInfo and certificates need. The reader is strict: definite, minimal lengths, no rest. */

export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  sequence: 0x30,
  explicit0: 0xa0,
} as const;

export interface Element {
  tag: number;
  /** The contents. */
  value: Uint8Array;
  /** Tag, length and contents. */
  whole: Uint8Array;
}

/** The element at `offset`, or undefined when the bytes there are no DER element. */
export function elementAt(bytes: Uint8Array, offset = 0): Element | undefined {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first - 0x80;
    if (count < 1 || count > 3 || bytes[start] === 0) return undefined;
    length = 0;
    for (let i = 0; i < count; i += 1) length = length * 256 + (bytes[start + i] ?? 0);
    start += count;
    if (length < 0x80) return undefined;
  }
  if (start + length > bytes.length) return undefined;
  return { tag, value: bytes.subarray(start, start + length), whole: bytes.subarray(offset, start + length) };
}

/** The elements that make up the bytes exactly, or undefined. */
export function elementsOf(bytes: Uint8Array): Element[] | undefined {
  const elements: Element[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const element = elementAt(bytes, offset);
    if (element === undefined) return undefined;
    elements.push(element);
    offset += element.whole.length;
  }
  return elements;
}

/** The elements inside one element of the given tag that is all of the bytes, or undefined. */
export function inside(tag: number, bytes: Uint8Array): Element[] | undefined {
  const element = elementAt(bytes);
  if (element === undefined || element.tag !== tag || element.whole.length !== bytes.length) return undefined;
  return elementsOf(element.value);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const value = concat(...contents);
  const length: number[] = [];
  for (let rest = value.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const header = value.length < 0x80 ? [value.length] : [0x80 + length.length, ...length];
  return concat(Uint8Array.of(tag, ...header), value);
}

/** An INTEGER from a big-endian magnitude. */
export function derInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const minimal = magnitude.subarray(start);
  const sign = minimal.length === 0 || (minimal[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return der(TAG.integer, sign, minimal);
}

/** A BIT STRING of whole bytes. */
export function derBitString(bytes: Uint8Array): Uint8Array {
  return der(TAG.bitString, Uint8Array.of(0), bytes);
}
