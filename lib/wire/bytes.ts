import { CK_UNAVAILABLE_INFORMATION } from '../pkcs11/constants.ts';

/** Bytes from the peer that are not what the schema says. The connection they came on is of no further use. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads primitives from one frame. Bytes it returns are copies: they outlive the socket's buffer. */
export class ByteReader {
  #buffer: Buffer;
  #offset = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get remaining(): number {
    return this.#buffer.length - this.#offset;
  }

  #take(bytes: number, what: string): number {
    if (bytes > this.remaining)
      throw new WireError(`frame ends inside ${what}: ${bytes} bytes needed, ${this.remaining} left`);
    const at = this.#offset;
    this.#offset += bytes;
    return at;
  }

  u8(what: string): number {
    return this.#buffer.readUInt8(this.#take(1, what));
  }

  u16(what: string): number {
    return this.#buffer.readUInt16LE(this.#take(2, what));
  }

  u32(what: string): number {
    return this.#buffer.readUInt32LE(this.#take(4, what));
  }

  ulong(what: string): number {
    const at = this.#take(8, what);
    const high = this.#buffer.readUInt32LE(at + 4);
    if (high > 0x1f_ffff) return CK_UNAVAILABLE_INFORMATION;
    return high * 0x1_0000_0000 + this.#buffer.readUInt32LE(at);
  }

  flag(what: string): boolean {
    const value = this.u8(what);
    if (value > 1) throw new WireError(`${what} is ${value}, neither 0 nor 1`);
    return value === 1;
  }

  bytes(what: string): Uint8Array {
    const length = this.u32(what);
    const at = this.#take(length, what);
    return new Uint8Array(this.#buffer.subarray(at, at + length));
  }

  text(what: string): string {
    const bytes = this.bytes(what);
    try {
      return utf8.decode(bytes);
    } catch {
      throw new WireError(`${what} is not UTF-8`);
    }
  }

  /** A count of items that take at least `itemBytes` each: refused before anything is allocated for them. */
  count(itemBytes: number, what: string): number {
    const count = this.u32(what);
    if (count * itemBytes > this.remaining)
      throw new WireError(`${what} announces ${count} items, ${this.remaining} bytes are left`);
    return count;
  }

  end(): void {
    if (this.remaining > 0) throw new WireError(`${this.remaining} bytes follow the last field`);
  }
}

/** Writes primitives; `frame` puts the length in front. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 4;

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16LE(value, at);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  ulong(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(value === CK_UNAVAILABLE_INFORMATION ? ALL_ONES : BigInt(value), at);
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  text(value: string): void {
    this.bytes(Buffer.from(value, 'utf8'));
  }

  frame(): Buffer {
    this.#buffer.writeUInt32LE(this.#length - 4, 0);
    return this.#buffer.subarray(0, this.#length);
  }
}
