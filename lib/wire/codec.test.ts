import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CK_UNAVAILABLE_INFORMATION, CKR_BUFFER_TOO_SMALL, CKR_OK } from '../pkcs11/constants.ts';
import { WireError } from './bytes.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, FrameSplitter } from './codec.ts';
import { CALLS, type Call, type CallName, type FieldType, MAX_FRAME_BYTES } from './schema.ts';

const ulong = fc.oneof(fc.maxSafeNat(), fc.constant(CK_UNAVAILABLE_INFORMATION));
const bytes = fc.uint8Array({ maxLength: 40 });
const buffer = fc.option(bytes);
const capacity = fc.option(ulong);
const output = fc.record({ length: ulong, bytes: buffer });
const arbitraries: Record<FieldType, fc.Arbitrary<unknown>> = {
  ulong,
  flag: fc.boolean(),
  bytes,
  text: fc.string({ unit: 'grapheme', maxLength: 20 }),
  buffer,
  capacity,
  output,
  ulongs: fc.array(ulong, { maxLength: 5 }),
  mechanism: fc.record({ type: ulong, parameter: buffer }),
  attributes: fc.array(fc.record({ type: ulong, value: buffer }), { maxLength: 5 }),
  queries: fc.array(fc.record({ type: ulong, capacity }), { maxLength: 5 }),
  outputs: fc.array(output, { maxLength: 5 }),
};

const names = Object.keys(CALLS) as CallName[];
const fieldsOf = (schema: Readonly<Record<string, FieldType>>) =>
  fc.record(Object.fromEntries(Object.entries(schema).map(([name, type]) => [name, arbitraries[type]])));
const request = fc
  .constantFrom(...names)
  .chain((call) =>
    fieldsOf(CALLS[call].request).map((fields) => ({ call, fields, frame: encodeRequest(call, fields as never) })),
  );
const body = (frame: Buffer) => frame.subarray(4);

describe('schema', () => {
  test('call ids and purposes are unique', () => {
    const calls: Call[] = Object.values(CALLS);
    expect(new Set(calls.map((call) => call.id)).size).toBe(calls.length);
    expect(new Set(calls.map((call) => call.purpose)).size).toBe(calls.length);
  });

  test('a purpose is what an operator looks for in a log: a function of PKCS#11', () => {
    const purposes = Object.entries(CALLS).flatMap(([name, { purpose }]) => (name === 'hello' ? [] : [purpose]));
    expect(purposes.filter((purpose) => !/^C_[A-Za-z]+( \([a-z ]+\))?$/.test(purpose))).toEqual([]);
  });
});

describe('requests', () => {
  test('come out as they went in', () => {
    fc.assert(
      fc.property(request, ({ call, fields, frame }) => {
        expect(decodeRequest(body(frame))).toEqual({ call, fields });
      }),
    );
  });

  test('every truncation is refused', () => {
    fc.assert(
      fc.property(request, fc.nat(), ({ frame }, cut) => {
        const whole = body(frame);
        expect(() => decodeRequest(whole.subarray(0, cut % whole.length))).toThrow(WireError);
      }),
    );
  });

  test('trailing bytes are refused', () => {
    fc.assert(
      fc.property(request, fc.uint8Array({ minLength: 1, maxLength: 9 }), ({ frame }, extra) => {
        expect(() => decodeRequest(Buffer.concat([body(frame), extra]))).toThrow(WireError);
      }),
    );
  });

  test('random bytes are a request or a WireError, never another failure', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 64 }), (call, noise) => {
        const head = Buffer.alloc(2);
        head.writeUInt16LE(CALLS[call].id);
        try {
          decodeRequest(Buffer.concat([head, noise]));
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });

  test('a count that the frame cannot hold is refused before anything is read', () => {
    const frame = encodeRequest('findObjectsInit', { session: 1, template: [] });
    frame.writeUInt32LE(0xffff_ffff, frame.length - 4);
    expect(() => decodeRequest(body(frame))).toThrow(/announces 4294967295 items/);
  });

  test('a NULL buffer is not an empty one', () => {
    const decode = (parameter: Uint8Array | null) =>
      decodeRequest(body(encodeRequest('signInit', { session: 1, mechanism: { type: 1, parameter }, key: 2 })));
    expect(decode(null).fields).toMatchObject({ mechanism: { parameter: null } });
    expect(decode(new Uint8Array(0)).fields).toMatchObject({ mechanism: { parameter: new Uint8Array(0) } });
  });
});

describe('answers', () => {
  test('come out as they went in, with and without fields', () => {
    const answer = fc.constantFrom(...names).chain((call) =>
      fc.record({
        call: fc.constant(call),
        response: fc.record({
          rv: fc.constantFrom(CKR_BUFFER_TOO_SMALL, 0x30),
          message: fc.string({ unit: 'grapheme' }),
          fields: fc.option(fieldsOf(CALLS[call].response)),
          goesOn: fc.constantFrom(true, undefined),
        }),
      }),
    );
    fc.assert(
      fc.property(answer, ({ call, response }) => {
        expect(decodeResponse(call, body(encodeResponse(call, response as never)))).toEqual(response);
      }),
    );
  });

  test('marks that nobody knows are refused', () => {
    const frame = encodeResponse('logout', { rv: CKR_OK, message: '', fields: {} });
    frame.writeUInt8(4 | 1, frame.length - 1);
    expect(() => decodeResponse('logout', body(frame))).toThrow(/marks 5/);
  });

  test('an answer to another call is refused', () => {
    const frame = encodeResponse('logout', { rv: CKR_OK, message: '', fields: {} });
    expect(() => decodeResponse('closeSession', body(frame))).toThrow(/answer to logout came for closeSession/);
  });
});

describe('FrameSplitter', () => {
  test('finds the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (requests, size) => {
        const stream = Buffer.concat(requests.map(({ frame }) => frame));
        const splitter = new FrameSplitter();
        const bodies: Buffer[] = [];
        for (let at = 0; at < stream.length; at += size) bodies.push(...splitter.push(stream.subarray(at, at + size)));
        expect(bodies).toEqual(requests.map(({ frame }) => body(frame)));
      }),
    );
  });

  test('refuses a frame above the limit at its first four bytes', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameSplitter().push(head)).toThrow(WireError);
  });
});
