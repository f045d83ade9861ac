/** Digests (5.10). */

import { createHash } from 'node:crypto';
import * as ck from '../../../lib/pkcs11/constants.ts';
import { bare, equal } from '../../client.ts';
import type { TestHash } from '../../keys.ts';
import { capacityOf, checkLength, codeOfOutput, isGiven, type Room } from '../output.ts';
import { anySession, codeOf, inSession, where } from '../step.ts';

const { CKR_OK, CKR_OPERATION_NOT_INITIALIZED: NOT_INITIALIZED } = ck;

const digestOf = ({ name }: TestHash, parts: readonly Uint8Array[]): Buffer =>
  createHash(name).update(Buffer.concat(parts)).digest();

export const digestInit = (which: number, hash: TestHash) =>
  inSession(`begin a digest ${hash.name}`, which, anySession, async ({ model, session, handle, client }) => {
    const code = codeOf(session, () => model.codeOfStart(session, 'digesting'));
    await client.gives(code, 'digestInit', { session: handle, mechanism: bare(hash.digest) });
    if (code === CKR_OK) session.operations.digesting = { hash, parts: [] };
  });

export const digestUpdate = (which: number, part: Uint8Array) =>
  inSession(`digest ${part.length} bytes more`, which, where('digesting'), async ({ session, handle, client }) => {
    const { digesting } = session.operations;
    const code = codeOf(session, () => (digesting === undefined ? NOT_INITIALIZED : CKR_OK));
    await client.gives(code, 'digestUpdate', { session: handle, part });
    if (code === CKR_OK) digesting?.parts.push(part);
  });

export const digestFinal = (which: number, room: Room) =>
  inSession(`end the digest, room: ${room}`, which, where('digesting'), async ({ session, handle, client }) => {
    const { digesting } = session.operations;
    const needed = digesting?.hash.bytes ?? 32;
    const capacity = capacityOf(room, needed, client.subject);
    const code = codeOf(session, () => (digesting === undefined ? NOT_INITIALIZED : codeOfOutput(capacity, needed)));
    const { rv, values } = await client.answers(code, 'digestFinal', { session: handle, digest: capacity });
    checkLength(values?.digest, capacity, needed);
    if (digesting === undefined || !isGiven(rv, capacity)) return;
    equal(values?.digest.bytes, digestOf(digesting.hash, digesting.parts), 'the digest');
    session.operations.digesting = undefined;
  });

export const digest = (which: number, data: Uint8Array, room: Room) =>
  inSession(
    `digest ${data.length} bytes, room: ${room}`,
    which,
    where('digesting'),
    async ({ model, session, handle, client }) => {
      const { digesting } = session.operations;
      const needed = digesting?.hash.bytes ?? 32;
      const capacity = capacityOf(room, needed, client.subject);
      const isRefused =
        digesting !== undefined && digesting.parts.length > 0 && model.rules.wholeAfterParts.digest !== 'works';
      const code = codeOf(session, () =>
        digesting === undefined || isRefused ? NOT_INITIALIZED : codeOfOutput(capacity, needed),
      );
      const { rv, values } = await client.answers(code, 'digest', { session: handle, data, digest: capacity });
      checkLength(values?.digest, capacity, needed);
      if (isRefused) session.operations.digesting = undefined;
      if (digesting === undefined || !isGiven(rv, capacity)) return;
      equal(values?.digest.bytes, digestOf(digesting.hash, [...digesting.parts, data]), 'the digest');
      session.operations.digesting = undefined;
    },
  );
