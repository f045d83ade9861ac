import { CKR_OK } from '../pkcs11/constants.ts';
import { ByteReader, ByteWriter, WireError } from './bytes.ts';
import {
  type Attribute,
  type AttributeQuery,
  CALLS,
  type CallName,
  type Fields,
  type FieldType,
  type FieldValue,
  MAX_FRAME_BYTES,
  type Output,
  type RequestOf,
  type ResponseOf,
} from './schema.ts';

type Schema = Readonly<Record<string, FieldType>>;

interface FieldCodec<T extends FieldType> {
  read(from: ByteReader, what: string): FieldValue[T];
  write(to: ByteWriter, value: FieldValue[T]): void;
}

function readMany<T>(from: ByteReader, itemBytes: number, what: string, read: () => T): T[] {
  const items: T[] = [];
  for (let left = from.count(itemBytes, what); left > 0; left--) items.push(read());
  return items;
}

function writeMany<T>(to: ByteWriter, items: readonly T[], write: (item: T) => void): void {
  to.u32(items.length);
  for (const item of items) write(item);
}

/** One row a field type; everything else in this file follows from it and from the schema. */
const FIELDS: { readonly [T in FieldType]: FieldCodec<T> } = {
  ulong: { read: (from, what) => from.ulong(what), write: (to, value) => to.ulong(value) },
  flag: { read: (from, what) => from.flag(what), write: (to, value) => to.flag(value) },
  bytes: { read: (from, what) => from.bytes(what), write: (to, value) => to.bytes(value) },
  text: { read: (from, what) => from.text(what), write: (to, value) => to.text(value) },
  buffer: {
    read: (from, what) => (from.flag(what) ? from.bytes(what) : null),
    write: (to, value) => {
      to.flag(value !== null);
      if (value !== null) to.bytes(value);
    },
  },
  capacity: {
    read: (from, what) => {
      const present = from.flag(what);
      const bytes = from.ulong(what);
      return present ? bytes : null;
    },
    write: (to, value) => {
      to.flag(value !== null);
      to.ulong(value ?? 0);
    },
  },
  output: {
    read: (from, what): Output => ({ length: from.ulong(what), bytes: FIELDS.buffer.read(from, what) }),
    write: (to, value) => {
      to.ulong(value.length);
      FIELDS.buffer.write(to, value.bytes);
    },
  },
  ulongs: {
    read: (from, what) => readMany(from, 8, what, () => from.ulong(what)),
    write: (to, value) => writeMany(to, value, (item) => to.ulong(item)),
  },
  mechanism: {
    read: (from, what) => ({ type: from.ulong(what), parameter: FIELDS.buffer.read(from, what) }),
    write: (to, value) => {
      to.ulong(value.type);
      FIELDS.buffer.write(to, value.parameter);
    },
  },
  attributes: {
    read: (from, what) =>
      readMany(from, 9, what, (): Attribute => ({ type: from.ulong(what), value: FIELDS.buffer.read(from, what) })),
    write: (to, value) =>
      writeMany(to, value, (item) => {
        to.ulong(item.type);
        FIELDS.buffer.write(to, item.value);
      }),
  },
  queries: {
    read: (from, what) =>
      readMany(
        from,
        17,
        what,
        (): AttributeQuery => ({ type: from.ulong(what), capacity: FIELDS.capacity.read(from, what) }),
      ),
    write: (to, value) =>
      writeMany(to, value, (item) => {
        to.ulong(item.type);
        FIELDS.capacity.write(to, item.capacity);
      }),
  },
  outputs: {
    read: (from, what) => readMany(from, 9, what, () => FIELDS.output.read(from, what)),
    write: (to, value) => writeMany(to, value, (item) => FIELDS.output.write(to, item)),
  },
};

function codecOf(type: FieldType): FieldCodec<FieldType> {
  return FIELDS[type] as unknown as FieldCodec<FieldType>;
}

function readFields<S extends Schema>(schema: S, from: ByteReader): Fields<S> {
  const fields: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(schema)) fields[name] = codecOf(type).read(from, name);
  return fields as Fields<S>;
}

function writeFields<S extends Schema>(schema: S, to: ByteWriter, fields: Fields<S>): void {
  const values = fields as Readonly<Record<string, FieldValue[FieldType]>>;
  for (const [name, type] of Object.entries(schema)) codecOf(type).write(to, values[name] as FieldValue[FieldType]);
}

const callNames = new Map<number, CallName>();
for (const [name, call] of Object.entries(CALLS)) callNames.set(call.id, name as CallName);

function callName(id: number): CallName {
  const name = callNames.get(id);
  if (name === undefined) throw new WireError(`call ${id} is not in the schema`);
  return name;
}

function sealed(writer: ByteWriter): Buffer {
  const frame = writer.frame();
  if (frame.length - 4 > MAX_FRAME_BYTES)
    throw new WireError(`a frame of ${frame.length - 4} bytes is above the limit of ${MAX_FRAME_BYTES}`);
  return frame;
}

export type Request = { [C in CallName]: { call: C; fields: RequestOf<C> } }[CallName];

export interface Response<C extends CallName> {
  rv: number;
  /** The line for the operator, or empty. */
  message: string;
  /** Absent after most errors; CKR_BUFFER_TOO_SMALL and the attribute errors still carry lengths. */
  fields: ResponseOf<C> | null;
  /** The session of the call has an operation that another call goes on with. */
  goesOn?: true;
}

/** Bits of an answer's marks. */
const HAS_FIELDS = 1;
const GOES_ON = 2;

/** A whole request frame, length prefix included. */
export function encodeRequest<C extends CallName>(call: C, fields: RequestOf<C>): Buffer {
  const writer = new ByteWriter();
  writer.u16(CALLS[call].id);
  writeFields<Schema>(CALLS[call].request, writer, fields);
  return sealed(writer);
}

/** The request in a frame's body (after the length prefix). Throws WireError for anything the schema does not say. */
export function decodeRequest(body: Buffer): Request {
  const reader = new ByteReader(body);
  const call = callName(reader.u16('call'));
  const fields = readFields<Schema>(CALLS[call].request, reader);
  reader.end();
  return { call, fields } as unknown as Request;
}

/** A whole answer frame, length prefix included. */
export function encodeResponse<C extends CallName>(call: C, response: Response<C>): Buffer {
  const writer = new ByteWriter();
  writer.u16(CALLS[call].id);
  writer.ulong(response.rv);
  writer.text(response.message);
  writer.u8((response.fields === null ? 0 : HAS_FIELDS) | (response.goesOn ? GOES_ON : 0));
  if (response.fields !== null) writeFields<Schema>(CALLS[call].response, writer, response.fields);
  return sealed(writer);
}

/** The answer to `call` in a frame's body. Throws WireError for anything the schema does not say. */
export function decodeResponse<C extends CallName>(call: C, body: Buffer): Response<C> {
  const reader = new ByteReader(body);
  const answered = callName(reader.u16('call'));
  if (answered !== call) throw new WireError(`an answer to ${answered} came for ${call}`);
  const rv = reader.ulong('rv');
  const message = reader.text('message');
  const marks = reader.u8('marks');
  if (marks > (HAS_FIELDS | GOES_ON)) throw new WireError(`an answer with marks ${marks}`);
  const present = (marks & HAS_FIELDS) !== 0;
  if (!present && rv === CKR_OK) throw new WireError(`${call} succeeded without its fields`);
  const fields = present ? (readFields<Schema>(CALLS[call].response, reader) as ResponseOf<C>) : null;
  reader.end();
  return { rv, message, fields, ...((marks & GOES_ON) !== 0 && { goesOn: true as const }) };
}

const NOTHING_HELD = Buffer.alloc(0);
const FIRST_HELD_BYTES = 512;

/**
 * Cuts a stream into frame bodies. A frame above the limit is a WireError before its bytes are collected. What is not
 * whole is held in one buffer that grows with it, so that a frame that comes byte by byte takes no more than its length.
 */
export class FrameSplitter {
  /** Its first bytes are the beginning of a frame that is not whole. */
  #held = NOTHING_HELD;
  #heldBytes = 0;
  /** Bytes; lower than MAX_FRAME_BYTES for peers who have not said who they are. */
  limitBytes = MAX_FRAME_BYTES;

  /** A frame has begun and is not whole. */
  get isWithinFrame(): boolean {
    return this.#heldBytes > 0;
  }

  /** Bodies that are whole now, in order. They stay as they are when more is pushed. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#heldBytes === 0 ? chunk : this.#appended(chunk);
    const bodies: Buffer[] = [];
    let from = 0;
    for (let end = this.#endOfFrame(bytes, from); end !== undefined; end = this.#endOfFrame(bytes, from)) {
      bodies.push(bytes.subarray(from + 4, end));
      from = end;
    }
    if (bodies.length > 0 || this.#heldBytes === 0) this.#hold(bytes.subarray(from));
    return bodies;
  }

  #endOfFrame(bytes: Buffer, from: number): number | undefined {
    if (bytes.length - from < 4) return undefined;
    const length = bytes.readUInt32LE(from);
    if (length > this.limitBytes) {
      throw new WireError(`a frame of ${length} bytes is above the limit of ${this.limitBytes}`);
    }
    const end = from + 4 + length;
    return end > bytes.length ? undefined : end;
  }

  /** A copy: what came with it, a whole buffer of the socket, is let go. */
  #hold(rest: Buffer): void {
    this.#held = rest.length === 0 ? NOTHING_HELD : Buffer.allocUnsafe(Math.max(rest.length, FIRST_HELD_BYTES));
    this.#heldBytes = rest.copy(this.#held);
  }

  #appended(chunk: Buffer): Buffer {
    const bytes = this.#heldBytes + chunk.length;
    if (bytes > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
    return this.#held.subarray(0, bytes);
  }
}
