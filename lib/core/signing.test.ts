import { constants, createHash, createPublicKey, type KeyObject, publicDecrypt, verify } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { BufferTooSmall } from '../pkcs11/error.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { EMPTY, ofText, ofUlong, toText } from '../tags/values.ts';
import type { Application } from './application.ts';
import { concat } from './der.ts';
import { type Hash, hashes, SHA256 } from './hashes.ts';
import type { CurveName } from './hsm.ts';
import { type MechanismRow, mechanisms, type SignatureMechanism } from './mechanisms.ts';
import { unreachable } from './memory-hsm.ts';
import { Client, classIs, codeOf, labelIs, PIN, RW, setUp } from './test-client.ts';

const { hsm, library } = setUp();
const session = 1;
let client: Client;
let application: Application;
const keys = new Map<string, { privateKey: number; publicKey: number; openssl: KeyObject }>();

beforeAll(async () => {
  client = await Client.open(library);
  application = client.application;
  const remember = async (kind: string, pair: { privateKey: number; publicKey: number }) => {
    const name = toText((await client.get(pair.privateKey, CKA_MHSM_KEY_NAME)) ?? EMPTY) ?? '';
    keys.set(kind, { ...pair, openssl: createPublicKey(hsm.version(name).privateKey) });
  };
  await remember('RSA', await client.generateRsa('rsa'));
  for (const curve of ['P-256', 'P-256K', 'P-384', 'P-521'] as CurveName[]) {
    await remember(curve, await client.generateEc(curve, curve));
  }
});

beforeEach(() => {
  hsm.requests.length = 0;
});

function key(kind: string) {
  const found = keys.get(kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

const pssParameter = (hash: number, mgf: number, salt: number) => concat(ofUlong(hash), ofUlong(mgf), ofUlong(salt));
const pssOf = (hash: Hash) => pssParameter(hash.mechanism, hash.mgf, hash.bytes);
const isSignature = (row: MechanismRow): row is SignatureMechanism => row.use === 'signature';
const digestInfo = (hash: Hash, data: Uint8Array) =>
  concat(hash.digestInfoPrefix, createHash(hash.name).update(data).digest());

/** Each signature mechanism with each hash and key it can have, and what the caller gives it for a message. */
const ways = mechanisms.filter(isSignature).flatMap((row) => {
  const kinds = row.keyType === ck.CKK_RSA ? ['RSA'] : ['P-256', 'P-256K', 'P-384', 'P-521'];
  const used = row.hash === undefined ? hashes : [row.hash];
  return kinds.flatMap((kind) =>
    used.map((hash) => ({
      row,
      kind,
      hash,
      name: `${row.scheme} ${row.hash === undefined ? 'raw' : 'hashing'} ${hash.name} ${kind}`,
      mechanism: { type: row.type, parameter: row.scheme === 'pss' ? pssOf(hash) : null },
      dataOf: (message: Uint8Array): Uint8Array => {
        if (row.hash !== undefined) return message;
        return row.scheme === 'pkcs1' ? digestInfo(hash, message) : createHash(hash.name).update(message).digest();
      },
    })),
  );
});
type Way = (typeof ways)[number];

function opensslAccepts({ row, kind, hash }: Way, message: Uint8Array, signature: Uint8Array): boolean {
  const { openssl } = key(kind);
  if (row.scheme === 'ecdsa') return verify(hash.name, message, { key: openssl, dsaEncoding: 'ieee-p1363' }, signature);
  const padding = row.scheme === 'pss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  return verify(hash.name, message, { key: openssl, padding, saltLength: hash.bytes }, signature);
}

describe.each(ways)('$name', (way) => {
  const { mechanism, kind, dataOf } = way;

  test('signs in one part what OpenSSL and C_Verify accept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (message) => {
        const data = dataOf(message);
        const signature = await client.sign(key(kind).privateKey, mechanism.type, data, mechanism.parameter);
        expect(opensslAccepts(way, message, signature)).toBe(true);
        await client.verify(key(kind).publicKey, mechanism.type, data, signature, mechanism.parameter);
      }),
      { numRuns: 4 },
    );
  });

  test('C_Verify refuses other data and other signatures', async () => {
    const data = dataOf(ofText('message'));
    const signature = await client.sign(key(kind).privateKey, mechanism.type, data, mechanism.parameter);
    const check = (over: Uint8Array, it: Uint8Array) =>
      codeOf(() => client.verify(key(kind).publicKey, mechanism.type, over, it, mechanism.parameter));
    expect(await check(dataOf(ofText('massage')), signature)).toBe(ck.CKR_SIGNATURE_INVALID);
    expect(
      await check(
        data,
        signature.map((byte, i) => (i === 40 ? byte ^ 4 : byte)),
      ),
    ).toBe(ck.CKR_SIGNATURE_INVALID);
    expect(await check(data, signature.subarray(1))).toBe(ck.CKR_SIGNATURE_LEN_RANGE);
    expect(await check(data, concat(signature, Uint8Array.of(0)))).toBe(ck.CKR_SIGNATURE_LEN_RANGE);
  });
});

describe.each(ways.filter(({ row }) => row.hash !== undefined))('$name in several parts', (way) => {
  test('is the signature over all parts, wherever they are cut', async () => {
    const { mechanism, kind } = way;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 4 }), async (parts) => {
        await application.signInit({ session, mechanism, key: key(kind).privateKey });
        for (const part of parts) application.signUpdate({ session, part });
        const { signature } = await application.signFinal({ session, signature: 512 });
        const bytes = signature.bytes ?? EMPTY;
        expect(opensslAccepts(way, concat(...parts), bytes)).toBe(true);

        await application.verifyInit({ session, mechanism, key: key(kind).publicKey });
        for (const part of parts) application.verifyUpdate({ session, part });
        application.verifyFinal({ session, signature: bytes });
      }),
      { numRuns: 4 },
    );
  });
});

describe('CKM_RSA_PKCS', () => {
  test('pads a payload that is no DigestInfo, as MD5 with SHA-1 of old TLS', async () => {
    for (const payload of [new Uint8Array(36).fill(7), ofText('hello'), new Uint8Array(245).fill(1)]) {
      const signature = await client.sign(key('RSA').privateKey, ck.CKM_RSA_PKCS, payload);
      expect(Uint8Array.from(publicDecrypt(key('RSA').openssl, signature))).toEqual(payload);
      await client.verify(key('RSA').publicKey, ck.CKM_RSA_PKCS, payload, signature);
    }
    expect(hsm.requests).toEqual(Array(3).fill(expect.stringMatching(/^sign .* RSNULL$/)));
  });

  test('names the hash of a DigestInfo to the service', async () => {
    await client.sign(key('RSA').privateKey, ck.CKM_RSA_PKCS, digestInfo(SHA256, EMPTY));
    expect(hsm.requests).toEqual([expect.stringMatching(/^sign .* RS256$/)]);
  });
});

describe('CKM_ECDSA', () => {
  test.each([3, 20, 32, 48, 64])('takes %d bytes on every curve', async (bytes) => {
    for (const kind of ['P-256', 'P-256K', 'P-384', 'P-521']) {
      const data = new Uint8Array(bytes).fill(0x5a);
      const signature = await client.sign(key(kind).privateKey, ck.CKM_ECDSA, data);
      await client.verify(key(kind).publicKey, ck.CKM_ECDSA, data, signature);
    }
  });
});

describe('the start', () => {
  const start = (type: number, parameter: Uint8Array | null, handle: number) =>
    codeOf(() => application.signInit({ session, mechanism: { type, parameter }, key: handle }));
  const rsa = () => key('RSA').privateKey;

  test.each([
    ['CKM_RSA_X_509', ck.CKM_RSA_X_509],
    ['a digest', ck.CKM_SHA256],
    ['key generation', ck.CKM_RSA_PKCS_KEY_PAIR_GEN],
    ['SHA-1', ck.CKM_SHA1_RSA_PKCS],
    ['nonsense', 0x12345678],
  ])('refuses %s with CKR_MECHANISM_INVALID', async (_what, type) => {
    expect(await start(type, null, rsa())).toBe(ck.CKR_MECHANISM_INVALID);
  });

  test.each([
    ['none', null],
    ['short ones', new Uint8Array(23)],
    ['long ones', new Uint8Array(25)],
    ['SHA-1', pssParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1, 20)],
    ['a mask of another hash', pssParameter(ck.CKM_SHA256, ck.CKG_MGF1_SHA384, 32)],
    ['a salt of another length', pssParameter(ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 20)],
    ['no salt', pssParameter(ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 0)],
    ['endless salt', pssParameter(ck.CKM_SHA256, ck.CKG_MGF1_SHA256, ck.CK_UNAVAILABLE_INFORMATION)],
  ])('refuses PSS with %s as parameters', async (_what, parameter) => {
    expect(await start(ck.CKM_RSA_PKCS_PSS, parameter, rsa())).toBe(ck.CKR_MECHANISM_PARAM_INVALID);
  });

  test('refuses parameters that contradict the mechanism, or that it does not take', async () => {
    const [, sha384] = hashes;
    const parameter = sha384 === undefined ? null : pssOf(sha384);
    expect(await start(ck.CKM_SHA256_RSA_PKCS_PSS, parameter, rsa())).toBe(ck.CKR_MECHANISM_PARAM_INVALID);
    expect(await start(ck.CKM_RSA_PKCS, Uint8Array.of(1), rsa())).toBe(ck.CKR_MECHANISM_PARAM_INVALID);
    expect(await start(ck.CKM_RSA_PKCS, EMPTY, rsa())).toBe(ck.CKR_OK);
  });

  test('refuses keys that do not fit', async () => {
    expect(await start(ck.CKM_RSA_PKCS, null, key('P-256').privateKey)).toBe(ck.CKR_KEY_TYPE_INCONSISTENT);
    expect(await start(ck.CKM_ECDSA, null, rsa())).toBe(ck.CKR_KEY_TYPE_INCONSISTENT);
    expect(await start(ck.CKM_RSA_PKCS, null, key('RSA').publicKey)).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect(await start(ck.CKM_RSA_PKCS, null, 4)).toBe(ck.CKR_KEY_HANDLE_INVALID);
    expect(await start(ck.CKM_RSA_PKCS, null, rsa() + 4)).toBe(ck.CKR_KEY_HANDLE_INVALID);
    const mechanism = { type: ck.CKM_RSA_PKCS, parameter: null };
    expect(await codeOf(() => application.verifyInit({ session, mechanism, key: rsa() }))).toBe(
      ck.CKR_KEY_FUNCTION_NOT_PERMITTED,
    );
  });

  test('refuses keys that may not sign', async () => {
    hsm.addKey({ name: 'verify-only', operations: ['verify'] });
    const handle = await client.findOne(labelIs('verify-only'), classIs(ck.CKO_PRIVATE_KEY));
    expect(await start(ck.CKM_ECDSA, null, handle)).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
  });

  test('replaces an operation that was left over; a verification left over is CKR_OPERATION_ACTIVE', async () => {
    const ecdsa = { type: ck.CKM_ECDSA, parameter: null };
    const pkcs1 = { type: ck.CKM_RSA_PKCS, parameter: null };
    await application.signInit({ session, mechanism: pkcs1, key: rsa() });
    await application.signInit({ session, mechanism: ecdsa, key: key('P-256').privateKey });
    expect((await application.sign({ session, data: EMPTY, signature: null })).signature.length).toBe(64);
    await application.verifyInit({ session, mechanism: ecdsa, key: key('P-256').publicKey });
    expect(await codeOf(() => application.verifyInit({ session, mechanism: pkcs1, key: key('RSA').publicKey }))).toBe(
      ck.CKR_OPERATION_ACTIVE,
    );
    await codeOf(() => application.verify({ session, data: EMPTY, signature: EMPTY }));
  });

  test('that fails leaves nothing active, not even what was before', async () => {
    await application.signInit({ session, mechanism: { type: ck.CKM_RSA_PKCS, parameter: null }, key: rsa() });
    await start(ck.CKM_RSA_X_509, null, rsa());
    expect(await codeOf(() => application.sign({ session, data: EMPTY, signature: 256 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
  });
});

describe('the hot path', () => {
  test('with everything cached asks nothing but the signature, and starts without waiting', async () => {
    const handle = key('P-256').privateKey;
    const start = application.signInit({ session, mechanism: { type: ck.CKM_ECDSA, parameter: null }, key: handle });
    expect(start).not.toBeInstanceOf(Promise);
    await application.sign({ session, data: new Uint8Array(32), signature: 72 });
    expect(hsm.requests).toEqual([expect.stringMatching(/^sign /)]);
  });
});

describe('the output (section 5.2)', () => {
  const startRsa = () =>
    application.signInit({
      session,
      mechanism: { type: ck.CKM_SHA256_RSA_PKCS, parameter: null },
      key: key('RSA').privateKey,
    });

  test('for any sequence of capacities: lengths ask nobody and keep the operation, the first that fits ends it', async () => {
    const capacity = fc.option(fc.oneof(fc.nat(600), fc.constant(ck.CK_UNAVAILABLE_INFORMATION)));
    const final = fc.boolean();
    await fc.assert(
      fc.asyncProperty(fc.array(capacity, { minLength: 1, maxLength: 5 }), final, async (capacities, inParts) => {
        await startRsa();
        hsm.requests.length = 0;
        let active = true;
        for (const room of capacities) {
          let outcome: unknown;
          try {
            outcome = inParts
              ? await application.signFinal({ session, signature: room })
              : await application.sign({ session, data: ofText('x'), signature: room });
          } catch (error) {
            outcome = error;
          }
          if (!active) expect(outcome).toMatchObject({ rv: ck.CKR_OPERATION_NOT_INITIALIZED });
          else if (room === null) expect(outcome).toEqual({ signature: { length: 256, bytes: null } });
          else if (room < 256) expect(outcome).toEqual(new BufferTooSmall(256));
          else expect(outcome).toMatchObject({ signature: { length: 256, bytes: { length: 256 } } });
          active &&= room === null || room < 256;
        }
        expect(hsm.requests.length).toBe(active ? 0 : 1);
      }),
      { numRuns: 50 },
    );
  });

  test('the length of an EC signature is twice the field, whatever the data', async () => {
    for (const [kind, length] of [
      ['P-256', 64],
      ['P-256K', 64],
      ['P-384', 96],
      ['P-521', 132],
    ] as const) {
      await application.signInit({
        session,
        mechanism: { type: ck.CKM_ECDSA, parameter: null },
        key: key(kind).privateKey,
      });
      const answer = await application.sign({ session, data: new Uint8Array(500), signature: null });
      expect(answer).toEqual({ signature: { length, bytes: null } });
    }
  });
});

describe('the end', () => {
  const mechanism = { type: ck.CKM_RSA_PKCS, parameter: null };
  const startRaw = () => application.signInit({ session, mechanism, key: key('RSA').privateKey });
  const isOver = async () =>
    (await codeOf(() => application.sign({ session, data: EMPTY, signature: null }))) ===
    ck.CKR_OPERATION_NOT_INITIALIZED;

  test('comes with wrong data', async () => {
    await startRaw();
    expect(await codeOf(() => application.sign({ session, data: new Uint8Array(246), signature: 256 }))).toBe(
      ck.CKR_DATA_LEN_RANGE,
    );
    expect(await isOver()).toBe(true);
  });

  test('comes with an error of the HSM, which is passed on', async () => {
    await startRaw();
    hsm.fail('sign', unreachable());
    expect(await codeOf(() => application.sign({ session, data: EMPTY, signature: 256 }))).toBe(ck.CKR_DEVICE_ERROR);
    hsm.fail('sign', undefined);
    expect(await isOver()).toBe(true);
    expect(await client.sign(key('RSA').privateKey, ck.CKM_RSA_PKCS, EMPTY)).toHaveLength(256);
  });

  test('comes with parts for a mechanism that takes none', async () => {
    await startRaw();
    expect(await codeOf(() => application.signUpdate({ session, part: EMPTY }))).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    expect(await isOver()).toBe(true);
    await startRaw();
    expect(await codeOf(() => application.signFinal({ session, signature: 256 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
    expect(await isOver()).toBe(true);
  });

  test('comes with C_Sign after C_SignUpdate', async () => {
    const hashing = { type: ck.CKM_SHA256_RSA_PKCS, parameter: null };
    await application.signInit({ session, mechanism: hashing, key: key('RSA').privateKey });
    application.signUpdate({ session, part: EMPTY });
    expect(await codeOf(() => application.sign({ session, data: EMPTY, signature: 256 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
    expect(await isOver()).toBe(true);
  });

  test('comes with the length asked of C_Sign after C_SignUpdate, whose signature C_SignFinal gives', async () => {
    const hashing = { type: ck.CKM_SHA256_RSA_PKCS, parameter: null };
    await application.signInit({ session, mechanism: hashing, key: key('RSA').privateKey });
    application.signUpdate({ session, part: EMPTY });
    expect(await isOver()).toBe(true);
    expect(await codeOf(() => application.signFinal({ session, signature: 256 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
  });

  test('of a verification comes with every answer', async () => {
    const start = () => application.verifyInit({ session, mechanism, key: key('RSA').publicKey });
    await start();
    await codeOf(() => application.verify({ session, data: EMPTY, signature: EMPTY }));
    await start();
    await codeOf(() => application.verifyUpdate({ session, part: EMPTY }));
    await start();
    await codeOf(() => application.verifyFinal({ session, signature: new Uint8Array(256) }));
    expect(await codeOf(() => application.verify({ session, data: EMPTY, signature: EMPTY }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
  });
});

describe('verifyWhole, ahead of data that comes in parts,', () => {
  const mechanism = { type: ck.CKM_SHA256_RSA_PKCS, parameter: null };
  const ahead = (signatureLength: number) => codeOf(() => application.verifyWhole({ session, signatureLength }));
  const begin = () => application.verifyInit({ session, mechanism, key: key('RSA').publicKey });

  test('leaves the operation as it was', async () => {
    await begin();
    expect([await ahead(256), await ahead(256)]).toEqual([ck.CKR_OK, ck.CKR_OK]);
    expect(application.verifyUpdate({ session, part: EMPTY })).toEqual({});
  });

  test('refuses what C_Verify would refuse, and ends the operation', async () => {
    expect(await ahead(256)).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    await begin();
    expect(await ahead(255)).toBe(ck.CKR_SIGNATURE_LEN_RANGE);
    expect(await ahead(256)).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    await begin();
    application.verifyUpdate({ session, part: EMPTY });
    expect(await ahead(256)).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    await begin();
    expect(await ahead(256)).toBe(ck.CKR_OK);
  });
});

test('a signature of the wrong length from the HSM is CKR_DEVICE_ERROR', async () => {
  const { library: other, hsm: odd } = setUp();
  const it = await Client.open(other);
  const { privateKey } = await it.generateEc('web');
  const identity = odd.identityOfPin(PIN);
  identity.sign = async () => new Uint8Array(63);
  expect(await codeOf(() => it.sign(privateKey, ck.CKM_ECDSA, EMPTY))).toBe(ck.CKR_DEVICE_ERROR);
});

describe('at the same time', () => {
  const mechanism = { type: ck.CKM_ECDSA, parameter: null };
  const startSession = (at: number) => {
    application.openSession({ session: at, slot: 7, flags: RW });
    return application.signInit({ session: at, mechanism, key: key('P-256').privateKey });
  };

  test('sessions sign side by side', async () => {
    const release = hsm.hold('sign');
    for (const at of [10, 11, 12]) await startSession(at);
    const all = [10, 11, 12].map((at) => application.sign({ session: at, data: EMPTY, signature: 64 }));
    expect(hsm.count('sign')).toBe(3);
    release();
    expect((await Promise.all(all)).map(({ signature }) => signature.length)).toEqual([64, 64, 64]);
  });

  test('a second C_Sign on a session finds no operation, and a new start may follow at once', async () => {
    const release = hsm.hold('sign');
    await startSession(10);
    const first = application.sign({ session: 10, data: EMPTY, signature: 64 });
    expect(await codeOf(() => application.sign({ session: 10, data: EMPTY, signature: 64 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
    await startSession(10);
    release();
    expect((await first).signature.length).toBe(64);
    expect((await application.sign({ session: 10, data: EMPTY, signature: 64 })).signature.length).toBe(64);
  });

  test('a session may close while its signature is on the way', async () => {
    const release = hsm.hold('sign');
    await startSession(13);
    const signature = application.sign({ session: 13, data: EMPTY, signature: 64 });
    application.closeSession({ session: 13 });
    release();
    expect((await signature).signature.length).toBe(64);
  });

  test('of two starts that both have to ask, the later one counts', async () => {
    const resumed = await Client.open(setUp(hsm).library);
    const release = hsm.hold('getKey');
    const early = resumed.application.signInit({ session: 1, mechanism, key: key('P-521').privateKey });
    const late = resumed.application.signInit({ session: 1, mechanism, key: key('P-384').privateKey });
    release();
    await Promise.all([late, early]);
    expect((await resumed.application.sign({ session: 1, data: EMPTY, signature: null })).signature.length).toBe(96);
  });
});
