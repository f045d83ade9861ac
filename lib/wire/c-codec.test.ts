import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CK_UNAVAILABLE_INFORMATION, CKR_BUFFER_TOO_SMALL } from '../pkcs11/constants.ts';
import { encodeRequest, encodeResponse } from './codec.ts';
import { CALLS, type CallName, type FieldType, MAX_FRAME_BYTES } from './schema.ts';

const programs = ['test/wire_echo', 'asan/test/wire_echo']
  .map((name) => fileURLToPath(new URL(`../../native/build/${name}`, import.meta.url)))
  .filter((path) => existsSync(path));

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
  .chain((call) => fieldsOf(CALLS[call].request).map((fields) => encodeRequest(call, fields as never)));
const answer = fc.constantFrom(...names).chain((call) =>
  fc
    .record({
      rv: fc.constantFrom(CKR_BUFFER_TOO_SMALL, 0x30),
      message: fc.string({ unit: 'grapheme' }),
      fields: fc.option(fieldsOf(CALLS[call].response)),
    })
    .map((response) => encodeResponse(call, response as never)),
);
const kinds = [
  { kind: 'q', frames: request },
  { kind: 'a', frames: answer },
] as const;

/** Every frame decoded and encoded again by C; a refused one comes back as four zero bytes. */
function echo(program: string, kind: string, frames: readonly Buffer[]): Buffer {
  const input = Buffer.concat(frames.flatMap((frame) => [Buffer.from(kind), frame]));
  const { stdout, stderr, status } = spawnSync(program, { input, maxBuffer: 1 << 26 });
  expect(status, stderr.toString()).toBe(0);
  return stdout;
}

const framed = (body: Buffer) => {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32LE(body.length);
  body.copy(frame, 4);
  return frame;
};
const refusals = (count: number) => Buffer.alloc(4 * count);
const many = { minLength: 50, maxLength: 200 };

test('the C programs are built (make -C native)', () => {
  expect(programs).not.toEqual([]);
});

describe.each(programs)('%s', (program) => {
  test.each(kinds)('gives back the very bytes of every frame ($kind)', ({ kind, frames }) => {
    fc.assert(
      fc.property(fc.array(frames, many), (batch) => {
        expect(echo(program, kind, batch).equals(Buffer.concat(batch))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test.each(kinds)('refuses every truncation and every trailing byte ($kind)', ({ kind, frames }) => {
    fc.assert(
      fc.property(frames, (frame) => {
        const body = frame.subarray(4);
        const cuts = Array.from(body, (_, length) => framed(Buffer.from(body.subarray(0, length))));
        const longer = framed(Buffer.concat([body, Buffer.from([0])]));
        expect(echo(program, kind, [...cuts, longer])).toEqual(refusals(cuts.length + 1));
      }),
      { numRuns: 20 },
    );
  });

  test('refuses a flag that is neither 0 nor 1, and marks that nobody knows', () => {
    const flagged = encodeRequest('getSlotList', { tokenPresent: true });
    flagged.writeUInt8(2, flagged.length - 1);
    expect(echo(program, 'q', [flagged])).toEqual(refusals(1));
    const marked = encodeResponse('logout', { rv: 0, message: '', fields: {} });
    marked.writeUInt8(5, marked.length - 1);
    expect(echo(program, 'a', [marked])).toEqual(refusals(1));
  });

  test.each(kinds)('survives random bytes ($kind)', ({ kind }) => {
    const noise = fc.tuple(fc.constantFrom(...names), fc.uint8Array({ maxLength: 64 })).map(([call, rest]) => {
      const head = Buffer.alloc(2);
      head.writeUInt16LE(CALLS[call].id);
      return framed(Buffer.concat([head, rest]));
    });
    fc.assert(
      fc.property(fc.array(noise, many), (batch) => {
        expect(echo(program, kind, batch).length).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });

  test('a success without its fields, and a count beyond the frame, are refused', () => {
    const bare = encodeResponse('logout', { rv: 0x30, message: '', fields: null });
    bare.fill(0, 6, 14);
    const count = encodeResponse('getSlotList', { rv: 0, message: '', fields: { slots: [] } });
    count.writeUInt32LE(0xffff_ffff, count.length - 4);
    expect(echo(program, 'a', [bare, count])).toEqual(refusals(2));
  });

  test('a frame at the limit passes', () => {
    const part = new Uint8Array(MAX_FRAME_BYTES - 14);
    const frame = encodeRequest('signUpdate', { session: 1, part });
    expect(frame.length).toBe(MAX_FRAME_BYTES + 4);
    expect(echo(program, 'q', [frame]).equals(frame)).toBe(true);
  });
});
