/** Output buffers of every size (5.2): NULL asks for the length, and so does too small a buffer; both keep the operation. */

import * as ck from '../../lib/pkcs11/constants.ts';
import type { Output } from '../../lib/wire/schema.ts';
import { equal, ROOM } from '../client.ts';

/** `NULL` where a subject sees lengths; where it does not, too small a buffer in its place. */
export const ROOMS = ['ample', 'exact', 'one byte', 'NULL'] as const;
export type Room = (typeof ROOMS)[number];

/** Bytes of the buffer, or null for NULL. */
export function capacityOf(room: Room, needed: number, { seesLengths }: { seesLengths: boolean }): number | null {
  if (room === 'NULL' && seesLengths) return null;
  return { ample: ROOM, exact: needed, 'one byte': 1, NULL: 1 }[room];
}

/** The code of a function that could give its output. */
export const codeOfOutput = (capacity: number | null, needed: number): number =>
  capacity !== null && capacity < needed ? ck.CKR_BUFFER_TOO_SMALL : ck.CKR_OK;

/** Whether a call with that code and that buffer has given its output, and so ended the operation. */
export const isGiven = (rv: number, capacity: number | null): boolean => rv === ck.CKR_OK && capacity !== null;

/** Holds the length that the answer tells where no bytes come. */
export function checkLength(output: Output | undefined, capacity: number | null, needed: number): void {
  if (capacity === null || capacity < needed) if (output !== undefined) equal(output.length, needed, 'the length');
}
