/** `node lib/wire/fuzz/seeds.ts FOLDER`: a frame of every call, as request and as answer, for a fuzzer to begin with. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { CK_UNAVAILABLE_INFORMATION } from '../../pkcs11/constants.ts';
import { encodeRequest, encodeResponse } from '../codec.ts';
import { CALLS, type CallName, type FieldType, type FieldValue } from '../schema.ts';

const bytes = Buffer.from('some bytes');
const samples: { readonly [T in FieldType]: FieldValue[T] } = {
  ulong: 5,
  flag: true,
  bytes,
  text: 'größer',
  buffer: bytes,
  capacity: 64,
  output: { length: bytes.length, bytes },
  ulongs: [3, 7],
  mechanism: { type: 0x1041, parameter: bytes },
  attributes: [
    { type: 3, value: bytes },
    { type: 0x102, value: null },
  ],
  queries: [
    { type: 3, capacity: 64 },
    { type: 0x102, capacity: null },
  ],
  outputs: [
    { length: bytes.length, bytes },
    { length: CK_UNAVAILABLE_INFORMATION, bytes: null },
    { length: 1, bytes: bytes.subarray(0, 1) },
  ],
};

const fieldsOf = (schema: Readonly<Record<string, FieldType>>) =>
  Object.fromEntries(Object.entries(schema).map(([name, type]) => [name, samples[type]]));

/** Frames without their length prefix. */
function* bodies(): Generator<{ name: string; kind: 'q' | 'a'; body: Buffer }> {
  for (const call of Object.keys(CALLS) as CallName[]) {
    const request = encodeRequest(call, fieldsOf(CALLS[call].request) as never);
    yield { name: call, kind: 'q', body: request.subarray(4) };
    const fields = fieldsOf(CALLS[call].response) as never;
    yield { name: call, kind: 'a', body: encodeResponse(call, { rv: 0, message: '', fields }).subarray(4) };
    const refusal = encodeResponse(call, { rv: 0x30, message: 'no answer', fields: null });
    yield { name: `${call}-refused`, kind: 'a', body: refusal.subarray(4) };
  }
}

function write(folder: string, name: string, ...parts: readonly Buffer[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), Buffer.concat(parts));
}

const ROOM = 64;
const folder = argv[2];
if (folder === undefined) throw new Error('usage: node lib/wire/fuzz/seeds.ts FOLDER');
for (const { name, kind, body } of bodies()) {
  write(join(folder, 'wire'), `${kind}-${name}`, Buffer.from(kind), body);
  if (kind === 'a') write(join(folder, 'answers'), name, Buffer.of(ROOM), body);
}
const stream = Buffer.concat([
  encodeRequest('getSlotList', { tokenPresent: true }),
  encodeRequest('logout', { session: 5 }),
]);
write(join(folder, 'streams'), 'two-frames', Buffer.from('s'), Buffer.of(6), stream);
write(join(folder, 'relay'), 'lines', Buffer.from('agent: ready\n  at line (file:1)\n}\nNode.js v24.0.0\nlast'));
