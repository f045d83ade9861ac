import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { EMPTY } from '../tags/values.ts';
import { concat } from './der.ts';
import { hashes } from './hashes.ts';
import { Client, codeOf, setUp } from './test-client.ts';

const session = 1;
const { application } = await Client.open(setUp().library, { login: false });
const start = (type: number, parameter: Uint8Array | null = null) =>
  application.digestInit({ session, mechanism: { type, parameter } });
const isOver = async () =>
  (await codeOf(() => application.digest({ session, data: EMPTY, digest: null }))) === ck.CKR_OPERATION_NOT_INITIALIZED;

describe.each(hashes)('$name', ({ name, mechanism, bytes }) => {
  test('is the same in one part and in several', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (parts) => {
        const expected = createHash(name)
          .update(concat(...parts))
          .digest();
        start(mechanism);
        expect(application.digest({ session, data: concat(...parts), digest: bytes }).digest.bytes).toEqual(expected);
        start(mechanism);
        for (const part of parts) application.digestUpdate({ session, part });
        expect(application.digestFinal({ session, digest: bytes }).digest.bytes).toEqual(expected);
      }),
    );
  });

  test('keeps the operation for a length and for too little room', async () => {
    start(mechanism);
    expect(application.digest({ session, data: EMPTY, digest: null })).toEqual({
      digest: { length: bytes, bytes: null },
    });
    expect(await codeOf(() => application.digest({ session, data: EMPTY, digest: bytes - 1 }))).toBe(
      ck.CKR_BUFFER_TOO_SMALL,
    );
    expect(application.digest({ session, data: EMPTY, digest: 100 }).digest.length).toBe(bytes);
    expect(await isOver()).toBe(true);
  });
});

describe('a digest', () => {
  test('is one at a time', async () => {
    start(ck.CKM_SHA256);
    expect(await codeOf(() => start(ck.CKM_SHA256))).toBe(ck.CKR_OPERATION_ACTIVE);
    application.digestFinal({ session, digest: 32 });
  });

  test('in one part cannot end one in several', async () => {
    start(ck.CKM_SHA256);
    application.digestUpdate({ session, part: EMPTY });
    expect(await codeOf(() => application.digest({ session, data: EMPTY, digest: 32 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
    expect(await isOver()).toBe(true);
  });

  test('refuses other mechanisms and parameters', async () => {
    expect(await codeOf(() => start(ck.CKM_SHA_1))).toBe(ck.CKR_MECHANISM_INVALID);
    expect(await codeOf(() => start(ck.CKM_RSA_PKCS))).toBe(ck.CKR_MECHANISM_INVALID);
    expect(await codeOf(() => start(ck.CKM_SHA256, Uint8Array.of(1)))).toBe(ck.CKR_MECHANISM_PARAM_INVALID);
    expect(await isOver()).toBe(true);
    expect(await codeOf(() => application.digestUpdate({ session, part: EMPTY }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
  });
});
