/** Frames between module and agent: nothing is lost, and nothing but frames is understood. */

import * as fc from 'fast-check';
import { CK_UNAVAILABLE_INFORMATION, CKR_OK } from '../../lib/pkcs11/constants.ts';
import { WireError } from '../../lib/wire/bytes.ts';
import { CALLS, type CallName, type FieldType, MAX_FRAME_BYTES } from '../../lib/wire/schema.ts';
import { equal, holds } from '../client.ts';
import type { Codec } from '../codec.ts';
import { codecPromise, type Promised } from '../promise.ts';

const ulong = fc.oneof(fc.maxSafeNat(), fc.constant(CK_UNAVAILABLE_INFORMATION));
const bytes = fc.uint8Array({ maxLength: 40 });
const buffer = fc.option(bytes);
const capacity = fc.option(ulong);
const output = fc.record({ length: ulong, bytes: buffer });
const many = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 5 });

const fieldValues: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  ulong,
  flag: fc.boolean(),
  bytes,
  text: fc.string({ unit: 'grapheme', maxLength: 20 }),
  buffer,
  capacity,
  output,
  ulongs: many(ulong),
  mechanism: fc.record({ type: ulong, parameter: buffer }),
  attributes: many(fc.record({ type: ulong, value: buffer })),
  queries: many(fc.record({ type: ulong, capacity })),
  outputs: many(output),
};

const fieldsOf = (schema: Readonly<Record<string, FieldType>>) =>
  fc.record(Object.fromEntries(Object.entries(schema).map(([name, type]) => [name, fieldValues[type]])));
const anyCall = fc.constantFrom(...(Object.keys(CALLS) as CallName[]));
const requests = anyCall.chain((call) => fieldsOf(CALLS[call].request).map((fields) => ({ call, fields })));
const responses = anyCall.chain((call) =>
  fc.record({
    call: fc.constant(call),
    rv: ulong,
    message: fc.string({ unit: 'grapheme', maxLength: 30 }),
    fields: fieldsOf(CALLS[call].response),
    hasFields: fc.boolean(),
  }),
);

type Made = { call: CallName; fields: Record<string, unknown> };
const frameOf = ({ encodeRequest }: Codec, { call, fields }: Made) => encodeRequest(call, fields as never);
const bodyOf = (codec: Codec, made: Made) => frameOf(codec, made).subarray(4);

/** Values for comparison: a Buffer is its bytes. */
const plain = (value: unknown) =>
  JSON.parse(
    JSON.stringify(value, (_key, item) => {
      if (item?.type === 'Buffer') return item.data;
      return item instanceof Uint8Array ? [...item] : item;
    }),
  );

function isRefused(decode: () => unknown): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    if (error instanceof WireError) return true;
    throw error;
  }
}

/** By length and first byte: a failure with so many bytes of their own takes minutes to shrink. */
const longData = fc
  .record({ length: fc.integer({ min: 400, max: 2000 }), first: fc.nat({ max: 255 }) })
  .map(({ length, first }) => Uint8Array.from({ length }, (_, i) => first + i));

export const framePromises: readonly Promised[] = [
  codecPromise({
    id: 'frame-request-round-trip',
    title: 'A request comes out as it went in, for every call',
    spec: 'lib/wire/schema.ts',
    given: requests,
    check: (codec, made) => equal(plain(codec.decodeRequest(bodyOf(codec, made))), plain(made), 'the request'),
  }),
  codecPromise({
    id: 'frame-answer-round-trip',
    title: 'An answer comes out as it went in, with fields and without',
    spec: 'lib/wire/schema.ts',
    given: responses,
    check: (codec, { call, rv, message, fields, hasFields }) => {
      const response = { rv, message, fields: hasFields || rv === CKR_OK ? fields : null };
      const body = codec.encodeResponse(call, response as never).subarray(4);
      equal(plain(codec.decodeResponse(call, body)), plain(response), 'the answer');
    },
  }),
  codecPromise({
    id: 'frame-layout',
    title: 'A frame is its length, the number of its call and its fields, little-endian',
    spec: 'lib/wire/schema.ts',
    given: fc.record({ session: fc.maxSafeNat(), part: bytes }),
    check: (codec, { session, part }) => {
      const frame = Buffer.alloc(4 + 2 + 8 + 4 + part.length);
      frame.writeUInt32LE(frame.length - 4, 0);
      frame.writeUInt16LE(52, 4);
      frame.writeBigUInt64LE(BigInt(session), 6);
      frame.writeUInt32LE(part.length, 14);
      frame.set(part, 18);
      equal(codec.encodeRequest('signUpdate', { session, part }), frame, 'the frame of a signUpdate');
    },
  }),
  codecPromise({
    id: 'frame-cut-short',
    title: 'A frame that ends early is refused wherever it ends',
    spec: 'lib/wire/schema.ts',
    given: fc.tuple(requests, fc.nat()),
    check: (codec, [made, cut]) => {
      const body = bodyOf(codec, made);
      holds(
        isRefused(() => codec.decodeRequest(body.subarray(0, cut % body.length))),
        'a part of a frame was read',
      );
    },
  }),
  codecPromise({
    id: 'frame-too-long',
    title: 'A frame with bytes behind its last field is refused',
    spec: 'lib/wire/schema.ts',
    given: fc.tuple(requests, fc.uint8Array({ minLength: 1, maxLength: 9 })),
    check: (codec, [made, extra]) => {
      const body = Buffer.concat([bodyOf(codec, made), extra]);
      holds(
        isRefused(() => codec.decodeRequest(body)),
        'a frame with bytes behind it was read',
      );
    },
  }),
  codecPromise({
    id: 'frame-noise',
    title: 'Any bytes are a request or are refused, and never anything else',
    spec: 'lib/wire/schema.ts',
    given: fc.tuple(anyCall, fc.uint8Array({ maxLength: 64 })),
    check: (codec, [call, noise]) => {
      const head = Buffer.alloc(2);
      head.writeUInt16LE(CALLS[call].id);
      isRefused(() => codec.decodeRequest(Buffer.concat([head, noise])));
      isRefused(() => codec.decodeRequest(Buffer.from(noise)));
      isRefused(() => codec.decodeResponse(call, Buffer.concat([head, noise])));
    },
  }),
  codecPromise({
    id: 'frame-stream',
    title: 'Frames come whole and in order out of a stream that is cut anywhere',
    spec: 'lib/wire/schema.ts',
    given: fc.tuple(fc.array(requests, { maxLength: 4 }), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 })),
    check: (codec, [all, cuts]) => {
      let rest = Buffer.concat(all.map((made) => frameOf(codec, made)));
      const pieces: Buffer[] = [];
      for (let i = 0; rest.length > 0; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        pieces.push(Buffer.from(rest.subarray(0, size)));
        rest = rest.subarray(size);
      }
      const bodies = all.map((made) => bodyOf(codec, made));
      equal(plain(codec.splitFrames(pieces)), plain(bodies), 'the frames');
    },
  }),
  codecPromise({
    id: 'frame-limit',
    title: 'A frame above the limit is refused at its first four bytes, and one at the limit is not',
    spec: 'lib/wire/schema.ts',
    given: fc.integer({ min: 1, max: 0xffffffff - MAX_FRAME_BYTES }),
    check: (codec, over) => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(MAX_FRAME_BYTES + over);
      holds(
        isRefused(() => codec.splitFrames([Buffer.from(head)])),
        'a frame above the limit was awaited',
      );
      head.writeUInt32LE(MAX_FRAME_BYTES);
      equal(codec.splitFrames([head]), [], 'what comes of the head of a frame at the limit');
    },
  }),
  codecPromise({
    id: 'frame-growth',
    title: 'A frame of any size comes out as it went in',
    spec: 'lib/wire/schema.ts',
    given: fc.record({ session: ulong, data: longData }),
    check: (codec, given) => {
      const fields = { ...given, signature: null };
      equal(
        plain(codec.decodeRequest(bodyOf(codec, { call: 'sign', fields }))),
        plain({ call: 'sign', fields }),
        'the request',
      );
    },
  }),
  codecPromise({
    id: 'frame-null-buffer',
    title: 'No buffer and a buffer of no bytes are two things',
    spec: 'lib/wire/schema.ts',
    given: fc.record({ session: ulong, data: bytes, signature: fc.constantFrom(null, 0) }),
    check: (codec, fields) =>
      equal(plain(codec.decodeRequest(bodyOf(codec, { call: 'sign', fields }))).fields, plain(fields), 'the fields'),
  }),
  codecPromise({
    id: 'frame-flag',
    title: 'A flag is 0 or 1, and any other byte is refused',
    spec: 'lib/wire/schema.ts',
    given: fc.nat({ max: 255 }),
    check: (codec, flag) => {
      const body = bodyOf(codec, { call: 'getSlotList', fields: { tokenPresent: true } });
      body[2] = flag;
      equal(
        isRefused(() => codec.decodeRequest(body)),
        flag > 1,
        'whether it is refused',
      );
    },
  }),
  codecPromise({
    id: 'frame-text',
    title: 'Text that is not UTF-8 is refused',
    spec: 'lib/wire/schema.ts',
    given: fc.constantFrom(0x80, 0xbf, 0xc0, 0xff),
    check: (codec, byte) => {
      const body = codec.encodeResponse('closeSession', { rv: CKR_OK, message: 'x', fields: {} }).subarray(4);
      body[2 + 8 + 4] = byte;
      holds(
        isRefused(() => codec.decodeResponse('closeSession', body)),
        'bytes were read as text',
      );
    },
  }),
  codecPromise({
    id: 'frame-answer-of-its-call',
    title: 'An answer is to the call that was made, and has its values when it succeeded',
    spec: 'lib/wire/schema.ts',
    given: fc.tuple(anyCall, anyCall),
    check: (codec, [call, other]) => {
      const failed = codec.encodeResponse(call, { rv: 5, message: '', fields: null }).subarray(4);
      equal(
        isRefused(() => codec.decodeResponse(other, failed)),
        call !== other,
        'whether it is refused',
      );
      const empty = codec.encodeResponse(call, { rv: CKR_OK, message: '', fields: null }).subarray(4);
      holds(
        isRefused(() => codec.decodeResponse(call, empty)),
        'success without values was read',
      );
    },
  }),
];
