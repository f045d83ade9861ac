import { constants, createPublicKey, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { BufferTooSmall } from '../pkcs11/error.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { EMPTY, ofText, ofUlong, TRUE, toText } from '../tags/values.ts';
import type { Application } from './application.ts';
import { concat } from './der.ts';
import { unreachable } from './memory-hsm.ts';
import { attribute, Client, codeOf, labelIs, PIN, RO, setUp } from './test-client.ts';

const { hsm, library } = setUp();
const session = 1;
let client: Client;
let application: Application;
let pair: { privateKey: number; publicKey: number };
let signer: { privateKey: number; publicKey: number };
let curve: { privateKey: number; publicKey: number };
let privateKey: KeyObject;

beforeAll(async () => {
  client = await Client.open(library);
  application = client.application;
  pair = await client.generate(
    ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
    [attribute(ck.CKA_MODULUS_BITS, ofUlong(2048)), attribute(ck.CKA_ENCRYPT, TRUE), labelIs('box')],
    [attribute(ck.CKA_TOKEN, TRUE), attribute(ck.CKA_DECRYPT, TRUE), labelIs('box')],
  );
  signer = await client.generateRsa('signer');
  curve = await client.generateEc('curve');
  const name = toText((await client.get(pair.privateKey, CKA_MHSM_KEY_NAME)) ?? EMPTY) ?? '';
  privateKey = hsm.version(name).privateKey;
});

beforeEach(() => {
  hsm.requests.length = 0;
});

/** A CK_RSA_PKCS_OAEP_PARAMS whose pointer is some address of another process. */
const oaepParameter = (hash: number, mgf: number, source = ck.CKZ_DATA_SPECIFIED, labelBytes = 0) =>
  concat(ofUlong(hash), ofUlong(mgf), ofUlong(source), ofUlong(0x7fff_1234), ofUlong(labelBytes));
const oaep = (parameter: Uint8Array | null) => ({ type: ck.CKM_RSA_PKCS_OAEP, parameter });

const OAEP = constants.RSA_PKCS1_OAEP_PADDING;
const ways = [
  {
    name: 'CKM_RSA_PKCS',
    mechanism: { type: ck.CKM_RSA_PKCS, parameter: null },
    algorithm: 'RSA1_5',
    most: 245,
    openssl: { padding: constants.RSA_PKCS1_PADDING },
  },
  {
    name: 'CKM_RSA_PKCS_OAEP with SHA-1',
    mechanism: oaep(oaepParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1)),
    algorithm: 'RSA-OAEP',
    most: 214,
    openssl: { padding: OAEP, oaepHash: 'sha1' },
  },
  {
    name: 'CKM_RSA_PKCS_OAEP with SHA-256',
    mechanism: oaep(oaepParameter(ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 0)),
    algorithm: 'RSA-OAEP-256',
    most: 190,
    openssl: { padding: OAEP, oaepHash: 'sha256' },
  },
];

describe.each(ways)('$name', ({ mechanism, algorithm, most, openssl }) => {
  const encryptInit = (key = pair.publicKey) => application.encryptInit({ session, mechanism, key });
  const decryptInit = (key = pair.privateKey) => application.decryptInit({ session, mechanism, key });
  const encrypt = (data: Uint8Array, encrypted: number | null = 256) =>
    application.encrypt({ session, data, encrypted }).encrypted;
  const decrypt = async (encrypted: Uint8Array, data: number | null = 256) =>
    (await application.decrypt({ session, encrypted, data })).data;
  const forKey = (data: Uint8Array) => publicEncrypt({ key: createPublicKey(privateKey), ...openssl }, data);
  const plaintext = fc.uint8Array({ maxLength: most });

  test('encrypts, without the HSM, what OpenSSL decrypts', async () => {
    await fc.assert(
      fc.asyncProperty(plaintext, async (data) => {
        await encryptInit();
        const { bytes, length } = encrypt(data);
        expect(length).toBe(256);
        expect(Uint8Array.from(privateDecrypt({ key: privateKey, ...openssl }, bytes ?? EMPTY))).toEqual(data);
      }),
      { numRuns: 10 },
    );
    expect(hsm.requests).toEqual([]);
  });

  test('decrypts, with one request, what OpenSSL encrypts', async () => {
    await fc.assert(
      fc.asyncProperty(plaintext, async (data) => {
        hsm.requests.length = 0;
        await decryptInit();
        expect(await decrypt(forKey(data))).toEqual({ length: data.length, bytes: data });
        expect(hsm.requests).toEqual([expect.stringMatching(new RegExp(`^decrypt \\S+ ${algorithm}$`))]);
      }),
      { numRuns: 10 },
    );
  });

  test('a length query asks nobody, tells the longest that is possible and keeps the operation', async () => {
    await encryptInit();
    expect(encrypt(ofText('x'), null)).toEqual({ length: 256, bytes: null });
    expect(encrypt(ofText('x')).length).toBe(256);
    await decryptInit();
    expect(await decrypt(new Uint8Array(256), null)).toEqual({ length: most, bytes: null });
    expect(hsm.requests).toEqual([]);
    expect(await decrypt(forKey(ofText('x')))).toEqual({ length: 1, bytes: ofText('x') });
  });

  test('too small a buffer tells the real length and keeps the operation', async () => {
    await encryptInit();
    expect(() => encrypt(ofText('x'), 255)).toThrow(new BufferTooSmall(256));
    expect(encrypt(ofText('x')).length).toBe(256);
    await decryptInit();
    const encrypted = forKey(ofText('secret'));
    await expect(decrypt(encrypted, 5)).rejects.toEqual(new BufferTooSmall(6));
    expect(await decrypt(encrypted, 6)).toEqual({ length: 6, bytes: ofText('secret') });
  });

  test.each([0, 255, 257])('a ciphertext of %i bytes is CKR_ENCRYPTED_DATA_LEN_RANGE and ends it', async (length) => {
    await decryptInit();
    expect(await codeOf(() => decrypt(new Uint8Array(length)))).toBe(ck.CKR_ENCRYPTED_DATA_LEN_RANGE);
    expect(await codeOf(() => decrypt(new Uint8Array(256)))).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    expect(hsm.requests).toEqual([]);
  });

  test('a plaintext that does not fit the key is CKR_DATA_LEN_RANGE and ends it', async () => {
    await encryptInit();
    expect(await codeOf(() => encrypt(new Uint8Array(most + 1)))).toBe(ck.CKR_DATA_LEN_RANGE);
    expect(await codeOf(() => encrypt(EMPTY))).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
  });

  test('the wrong half of the pair, a key that may not, and an EC key are refused', async () => {
    expect(await codeOf(() => encryptInit(pair.privateKey))).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect(await codeOf(() => decryptInit(pair.publicKey))).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect(await codeOf(() => encryptInit(signer.publicKey))).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect(await codeOf(() => decryptInit(signer.privateKey))).toBe(ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect(await codeOf(() => decryptInit(curve.privateKey))).toBe(ck.CKR_KEY_TYPE_INCONSISTENT);
    expect(await codeOf(() => encryptInit(12_345))).toBe(ck.CKR_KEY_HANDLE_INVALID);
  });

  test('a failure of the HSM ends the decryption', async () => {
    await decryptInit();
    hsm.fail('decrypt', unreachable());
    expect(await codeOf(() => decrypt(new Uint8Array(256)))).toBe(ck.CKR_DEVICE_ERROR);
    hsm.fail('decrypt', undefined);
    expect(await codeOf(() => decrypt(new Uint8Array(256)))).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
  });
});

describe('parameters of CKM_RSA_PKCS_OAEP', () => {
  test.each<[string, Uint8Array | null]>([
    ['none', null],
    ['too short', new Uint8Array(39)],
    ['a hash that the service has not', oaepParameter(ck.CKM_SHA512, ck.CKG_MGF1_SHA512)],
    ['MGF1 of another hash', oaepParameter(ck.CKM_SHA256, ck.CKG_MGF1_SHA1)],
    ['a label', oaepParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1, ck.CKZ_DATA_SPECIFIED, 4)],
    ['an unknown source', oaepParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1, 9)],
  ])('%s: CKR_MECHANISM_PARAM_INVALID', async (_what, parameter) => {
    const init = () => application.decryptInit({ session, mechanism: oaep(parameter), key: pair.privateKey });
    expect(await codeOf(init)).toBe(ck.CKR_MECHANISM_PARAM_INVALID);
  });
});

const plain = { type: ck.CKM_RSA_PKCS, parameter: null };

test('mechanisms of another use are CKR_MECHANISM_INVALID', async () => {
  const mechanism = { type: ck.CKM_SHA256_RSA_PKCS, parameter: null };
  const { privateKey: key, publicKey } = pair;
  expect(await codeOf(() => application.decryptInit({ session, mechanism, key }))).toBe(ck.CKR_MECHANISM_INVALID);
  expect(await codeOf(() => application.encryptInit({ session, mechanism, key: publicKey }))).toBe(
    ck.CKR_MECHANISM_INVALID,
  );
  const sign = { type: ck.CKM_RSA_PKCS_OAEP, parameter: oaepParameter(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1) };
  expect(await codeOf(() => application.signInit({ session, mechanism: sign, key }))).toBe(ck.CKR_MECHANISM_INVALID);
});

test('an encryption is begun once, a decryption left over is replaced', async () => {
  const { privateKey: key, publicKey } = pair;
  await application.encryptInit({ session, mechanism: plain, key: publicKey });
  const again = () => application.encryptInit({ session, mechanism: plain, key: publicKey });
  expect(await codeOf(again)).toBe(ck.CKR_OPERATION_ACTIVE);
  application.encrypt({ session, data: EMPTY, encrypted: 256 });
  await application.decryptInit({ session, mechanism: plain, key });
  await application.decryptInit({ session, mechanism: plain, key });
  const data = publicEncrypt({ key: createPublicKey(privateKey), padding: constants.RSA_PKCS1_PADDING }, ofText('x'));
  expect(await application.decrypt({ session, encrypted: data, data: 256 })).toEqual({
    data: { length: 1, bytes: ofText('x') },
  });
});

test('a logout during the decryption leaves no operation behind', async () => {
  const other = await Client.open(library, { flags: RO, login: true });
  const call = { session: other.session, mechanism: plain, key: pair.privateKey };
  await other.application.decryptInit(call);
  const release = hsm.hold('decrypt');
  const encrypted = publicEncrypt(
    { key: createPublicKey(privateKey), padding: constants.RSA_PKCS1_PADDING },
    ofText('xy'),
  );
  const pending = codeOf(() => other.application.decrypt({ session: other.session, encrypted, data: 1 }));
  other.application.logout({ session: other.session });
  release();
  expect(await pending).toBe(ck.CKR_BUFFER_TOO_SMALL);
  await other.application.login({ session: other.session, userType: ck.CKU_USER, pin: PIN });
  const more = () => other.application.decrypt({ session: other.session, encrypted, data: 256 });
  expect(await codeOf(more)).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
});

test('C_GetMechanismInfo tells both uses of CKM_RSA_PKCS', () => {
  const { flags } = application.getMechanismInfo({ slot: 7, mechanism: ck.CKM_RSA_PKCS });
  expect(flags).toBe(ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY | ck.CKF_ENCRYPT | ck.CKF_DECRYPT);
  const info = application.getMechanismInfo({ slot: 7, mechanism: ck.CKM_RSA_PKCS_OAEP });
  expect(info).toEqual({ minKeySize: 2048, maxKeySize: 4096, flags: ck.CKF_HW | ck.CKF_ENCRYPT | ck.CKF_DECRYPT });
});
