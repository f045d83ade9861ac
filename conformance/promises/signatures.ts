/** Signing and verifying (sections 5.11 and 5.12), and the sections of the mechanisms. */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, type Client, equal, holds, ROOM } from '../client.ts';
import { HASHES, importedKey, p256Key, privateKey, pssParameter, publicKey, rsaKey } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { hashingSchemes, type SignatureScheme, signatureSchemes } from '../signature-schemes.ts';

const anyScheme = fc.constantFrom(...signatureSchemes);
const hashingScheme = fc.constantFrom(...hashingSchemes);
const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 150 }), { minLength: 1, maxLength: 6 });
const anyMessage = fc.record({ scheme: anyScheme, text: message });
const inParts = fc.record({ scheme: hashingScheme, texts: parts });

interface Pair {
  session: number;
  signing: number;
  verifying: number;
}

async function pairOf(client: Client, { key, mechanism }: SignatureScheme): Promise<Pair> {
  await client.needs(mechanism);
  const session = await client.enter();
  return {
    session,
    signing: await privateKey(client, session, key),
    verifying: await publicKey(client, session, key),
  };
}

async function signInParts(client: Client, { session, signing }: Pair, scheme: SignatureScheme, texts: Uint8Array[]) {
  await client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing });
  for (const part of texts) await client.ok('signUpdate', { session, part });
  const { signature } = await client.ok('signFinal', { session, signature: ROOM });
  return signature.bytes ?? new Uint8Array(0);
}

/** CK_RSA_PKCS_PSS_PARAMS that no service takes. */
const wrongPss = fc.constantFrom(null, new Uint8Array(0), new Uint8Array(23), pssParameter(HASHES[0]).subarray(0, 16));

export const signaturePromises: readonly Promised[] = [
  promiseOf({
    id: 'sign-empty-message',
    title: 'The empty message is signed as any other, in one part and in none',
    spec: 'docs: mechanisms; 5.11 C_Sign',
    by: 'ours',
    given: hashingScheme,
    check: async (client, scheme) => {
      const pair = await pairOf(client, scheme);
      const empty = new Uint8Array(0);
      const signature = await client.sign(pair.session, scheme.mechanism, pair.signing, empty);
      const other = await signInParts(client, pair, scheme, []);
      for (const each of [signature, other]) {
        equal(await client.verify(pair.session, scheme.mechanism, pair.verifying, empty, each), ck.CKR_OK, 'the code');
      }
    },
  }),
  promiseOf({
    id: 'sign-verifies-here',
    title: 'C_Verify accepts what C_Sign gives, with every mechanism',
    spec: '5.11 C_Sign; 5.12 C_Verify',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const data = scheme.input(text);
      const signature = await client.sign(session, scheme.mechanism, signing, data);
      equal(signature.length, scheme.key.signatureBytes, 'the length of the signature');
      equal(await client.verify(session, scheme.mechanism, verifying, data, signature), ck.CKR_OK, 'the code');
    },
  }),
  promiseOf({
    id: 'sign-verifies-elsewhere',
    title: 'Another implementation accepts what C_Sign gives, with the key that the attributes describe',
    spec: '5.11 C_Sign; 2.1 and 2.3 of the mechanisms',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const imported = await importedKey(client, session, verifying, scheme.key);
      const signature = await client.sign(session, scheme.mechanism, signing, scheme.input(text));
      holds(scheme.verifies(imported, text, signature), `node:crypto refuses ${scheme.name}`);
    },
  }),
  promiseOf({
    id: 'verify-other-message',
    title: 'A signature of another message is CKR_SIGNATURE_INVALID',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, bit: fc.nat() }),
    check: async (client, { scheme, text, bit }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const signature = await client.sign(session, scheme.mechanism, signing, scheme.input(text));
      const other = scheme.input(Buffer.concat([text, Uint8Array.of(bit)]));
      const code = await client.verify(session, scheme.mechanism, verifying, other, signature);
      equal(code, ck.CKR_SIGNATURE_INVALID, 'the code');
    },
  }),
  promiseOf({
    id: 'verify-changed-signature',
    title: 'A signature with one bit changed is CKR_SIGNATURE_INVALID',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, bit: fc.nat() }),
    check: async (client, { scheme, text, bit }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const data = scheme.input(text);
      const signature = Buffer.from(await client.sign(session, scheme.mechanism, signing, data));
      const at = (bit >> 3) % signature.length;
      signature[at] = (signature[at] ?? 0) ^ (1 << (bit & 7));
      const code = await client.verify(session, scheme.mechanism, verifying, data, signature);
      equal(code, ck.CKR_SIGNATURE_INVALID, 'the code');
    },
  }),
  promiseOf({
    id: 'verify-wrong-length',
    title: 'A signature of another length is CKR_SIGNATURE_LEN_RANGE',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, length: fc.integer({ min: 1, max: 300 }) }),
    check: async (client, { scheme, text, length }) => {
      const { session, verifying } = await pairOf(client, scheme);
      const wrong = length === scheme.key.signatureBytes ? length + 1 : length;
      const signature = new Uint8Array(wrong).fill(7);
      const code = await client.verify(session, scheme.mechanism, verifying, scheme.input(text), signature);
      equal(code, ck.CKR_SIGNATURE_LEN_RANGE, 'the code');
    },
  }),
  promiseOf({
    id: 'sign-in-parts',
    title: 'Cut into parts, a message has the signature that it has as a whole',
    spec: '5.11 C_SignUpdate, C_SignFinal; 5.12 C_Verify',
    by: 'standard',
    given: inParts,
    check: async (client, { scheme, texts }) => {
      const pair = await pairOf(client, scheme);
      const { session, signing, verifying } = pair;
      const signature = await signInParts(client, pair, scheme, texts);
      const whole = Buffer.concat(texts);
      equal(await client.verify(session, scheme.mechanism, verifying, whole, signature), ck.CKR_OK, 'the code');
      if (scheme.repeats)
        equal(signature, await client.sign(session, scheme.mechanism, signing, whole), 'the signature');
    },
  }),
  promiseOf({
    id: 'verify-in-parts',
    title: 'A message is verified in parts as it is as a whole, and another is not',
    spec: '5.12 C_VerifyUpdate, C_VerifyFinal',
    by: 'standard',
    given: fc.record({ scheme: hashingScheme, texts: parts, isChanged: fc.boolean() }),
    check: async (client, { scheme, texts, isChanged }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const signature = await client.sign(session, scheme.mechanism, signing, Buffer.concat(texts));
      await client.ok('verifyInit', { session, mechanism: scheme.mechanism, key: verifying });
      for (const part of texts) await client.ok('verifyUpdate', { session, part });
      if (isChanged) await client.ok('verifyUpdate', { session, part: Uint8Array.of(1) });
      await client.gives(isChanged ? ck.CKR_SIGNATURE_INVALID : ck.CKR_OK, 'verifyFinal', { session, signature });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'verifyFinal', { session, signature });
    },
  }),
  promiseOf({
    id: 'digest-info-is-hash-and-sign',
    title: 'CKM_RSA_PKCS over a DigestInfo signs as the mechanism that hashes does',
    spec: '2.1.6 and 2.1.11 of the mechanisms',
    by: 'standard',
    given: fc.tuple(fc.nat({ max: 2 }), message),
    check: async (client, [which, text]) => {
      const ofRsa = signatureSchemes.filter(({ key, repeats }) => key === rsaKey && repeats);
      const pair = ofRsa.filter(({ hash }) => hash === HASHES[which]);
      const session = await client.enter();
      const key = await privateKey(client, session, rsaKey);
      const [one, other] = [await signatureOf(pair[0]), await signatureOf(pair[1])];
      equal(one, other, 'the signature');
      function signatureOf(scheme = signatureSchemes[0] as SignatureScheme) {
        return client.sign(session, scheme.mechanism, key, scheme.input(text));
      }
    },
  }),
  promiseOf({
    id: 'sign-length',
    title: 'NULL for the signature asks for its length and keeps the operation',
    spec: '5.2; 5.11 C_Sign',
    by: 'standard',
    needs: 'lengths',
    given: fc.record({ scheme: anyScheme, text: message, times: fc.integer({ min: 1, max: 3 }) }),
    check: async (client, { scheme, text, times }) => {
      const { session, signing } = await pairOf(client, scheme);
      const data = scheme.input(text);
      await client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing });
      for (let i = 0; i < times; i++) {
        const { signature } = await client.ok('sign', { session, data, signature: null });
        equal(signature.length, scheme.key.signatureBytes, 'the length');
      }
      await client.ok('sign', { session, data, signature: scheme.key.signatureBytes });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'sign', { session, data, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-buffer-too-small',
    title: 'A buffer too small for the signature is CKR_BUFFER_TOO_SMALL and keeps the operation',
    spec: '5.2; 5.11 C_Sign, C_SignFinal',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, room: fc.integer({ min: 1, max: 63 }) }),
    check: async (client, { scheme, text, room }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const data = scheme.input(text);
      await client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'sign', { session, data, signature: room });
      const { signature } = await client.ok('sign', { session, data, signature: ROOM });
      const bytes = signature.bytes ?? new Uint8Array(0);
      equal(await client.verify(session, scheme.mechanism, verifying, data, bytes), ck.CKR_OK, 'the code');
      if (!scheme.hashes) return;
      await client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing });
      await client.ok('signUpdate', { session, part: data });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'signFinal', { session, signature: room });
      await client.ok('signFinal', { session, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-ends',
    title: 'A signature ends the operation',
    spec: '5.11 C_Sign, C_SignFinal',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const { session, signing } = await pairOf(client, scheme);
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      const data = scheme.input(text);
      await client.gives(none, 'sign', { session, data, signature: ROOM });
      await client.gives(none, 'signFinal', { session, signature: ROOM });
      await client.sign(session, scheme.mechanism, signing, data);
      await client.gives(none, 'sign', { session, data, signature: ROOM });
      await client.gives(none, 'signUpdate', { session, part: Uint8Array.of(1) });
      await client.gives(none, 'signFinal', { session, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'verify-ends',
    title: 'C_Verify ends the operation, whether the signature is good or not',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, isGood: fc.boolean() }),
    check: async (client, { scheme, text, isGood }) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const data = scheme.input(text);
      const good = await client.sign(session, scheme.mechanism, signing, data);
      const signature = isGood ? good : new Uint8Array(good.length).fill(1);
      const code = await client.verify(session, scheme.mechanism, verifying, data, signature);
      equal(code, isGood ? ck.CKR_OK : ck.CKR_SIGNATURE_INVALID, 'the code');
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'verify', { session, data, signature });
    },
  }),
  promise({
    id: 'verify-once-a-session',
    title: 'A second start of a verification is CKR_OPERATION_ACTIVE, and the first goes on',
    spec: '5.12 C_VerifyInit',
    by: 'standard',
    check: async (client) => {
      const scheme = hashingSchemes[0] as SignatureScheme;
      const { session, signing, verifying } = await pairOf(client, scheme);
      const data = Uint8Array.of(1, 2, 3);
      const signature = await client.sign(session, scheme.mechanism, signing, data);
      const request = { session, mechanism: scheme.mechanism, key: verifying };
      await client.ok('verifyInit', request);
      await client.gives(ck.CKR_OPERATION_ACTIVE, 'verifyInit', request);
      await client.ok('verify', { session, data, signature });
    },
  }),
  promiseOf({
    id: 'sign-starts-anew',
    title: 'C_SignInit replaces a signature that was begun: web servers never clean up',
    spec: 'docs: C_SignInit; 5.11 C_SignInit would have it CKR_OPERATION_ACTIVE',
    by: 'ours',
    given: fc.record({ first: hashingScheme, text: message, second: anyScheme, left: fc.uint8Array({ minLength: 1 }) }),
    check: async (client, { first, second, text, left }) => {
      const { session, signing, verifying } = await pairOf(client, second);
      const key = await privateKey(client, session, first.key);
      await client.ok('signInit', { session, mechanism: first.mechanism, key });
      await client.ok('signUpdate', { session, part: left });
      const data = second.input(text);
      const signature = await client.sign(session, second.mechanism, signing, data);
      equal(await client.verify(session, second.mechanism, verifying, data, signature), ck.CKR_OK, 'the code');
    },
  }),
  promise({
    id: 'sign-key-type',
    title: 'A key of another type than the mechanism’s is CKR_KEY_TYPE_INCONSISTENT',
    spec: '5.11 C_SignInit; 5.12 C_VerifyInit',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter();
      const wrong = ck.CKR_KEY_TYPE_INCONSISTENT;
      const pairs = [
        [rsaKey, bare(ck.CKM_ECDSA)],
        [p256Key, bare(ck.CKM_RSA_PKCS)],
        [p256Key, bare(ck.CKM_SHA256_RSA_PKCS)],
      ] as const;
      for (const [of, mechanism] of pairs) {
        await client.gives(wrong, 'signInit', { session, mechanism, key: await privateKey(client, session, of) });
        await client.gives(wrong, 'verifyInit', { session, mechanism, key: await publicKey(client, session, of) });
      }
    },
  }),
  promiseOf({
    id: 'sign-key-unknown',
    title: 'A key that does not exist is CKR_KEY_HANDLE_INVALID',
    spec: '5.1.6; 5.11 C_SignInit; 5.12 C_VerifyInit',
    by: 'standard',
    given: fc.tuple(anyScheme, fc.integer({ min: 0x4000_0000, max: 0x7fff_ffff })),
    check: async (client, [{ mechanism }, key]) => {
      await client.needs(mechanism);
      const session = await client.enter();
      await client.gives(ck.CKR_KEY_HANDLE_INVALID, 'signInit', { session, mechanism, key });
      await client.gives(ck.CKR_KEY_HANDLE_INVALID, 'verifyInit', { session, mechanism, key });
    },
  }),
  promiseOf({
    id: 'sign-wrong-half',
    title: 'Signing with the public half and verifying with the private one is refused',
    spec: '5.11 C_SignInit; 5.12 C_VerifyInit',
    by: 'standard',
    given: anyScheme,
    check: async (client, scheme) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const { mechanism } = scheme;
      const codes = [ck.CKR_KEY_FUNCTION_NOT_PERMITTED, ck.CKR_KEY_TYPE_INCONSISTENT];
      await client.gives(codes, 'signInit', { session, mechanism, key: verifying });
      await client.gives(codes, 'verifyInit', { session, mechanism, key: signing });
    },
  }),
  promiseOf({
    id: 'sign-needs-login',
    title: 'A private key known from an earlier login cannot be used without one',
    spec: 'Usage Guide: session states; 5.11 C_SignInit',
    by: 'standard',
    given: anyScheme,
    check: async (client, scheme) => {
      const { session, signing } = await pairOf(client, scheme);
      await client.ok('logout', { session });
      const codes = [ck.CKR_USER_NOT_LOGGED_IN, ck.CKR_KEY_HANDLE_INVALID, ck.CKR_OBJECT_HANDLE_INVALID];
      await client.gives(codes, 'signInit', { session, mechanism: scheme.mechanism, key: signing });
    },
  }),
  promiseOf({
    id: 'logout-ends-signature',
    title: 'A logout ends a signature that was begun',
    spec: '5.6 C_Logout',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const { session, signing } = await pairOf(client, scheme);
      await client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing });
      await client.ok('logout', { session });
      const codes = [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_USER_NOT_LOGGED_IN];
      await client.gives(codes, 'sign', { session, data: scheme.input(text), signature: ROOM });
    },
  }),
  promiseOf({
    id: 'pss-parameter',
    title: 'PSS without its parameter, or with half of one, is CKR_MECHANISM_PARAM_INVALID',
    spec: '2.1.10 of the mechanisms; 5.11 C_SignInit',
    by: 'standard',
    given: fc.tuple(
      fc.constantFrom(...signatureSchemes.filter(({ mechanism }) => mechanism.parameter !== null)),
      wrongPss,
    ),
    check: async (client, [scheme, parameter]) => {
      const { session, signing, verifying } = await pairOf(client, scheme);
      const mechanism = { type: scheme.mechanism.type, parameter };
      const codes = [ck.CKR_MECHANISM_PARAM_INVALID, ck.CKR_ARGUMENTS_BAD];
      await client.gives(codes, 'signInit', { session, mechanism, key: signing });
      await client.gives(codes, 'verifyInit', { session, mechanism, key: verifying });
    },
  }),
  promiseOf({
    id: 'pss-parameter-of-the-service',
    title: 'PSS with a salt, hash or mask function that the service does not use is CKR_MECHANISM_PARAM_INVALID',
    spec: 'docs: mechanisms; 2.1.10 of the mechanisms',
    by: 'ours',
    given: fc.record({
      hash: fc.constantFrom(...HASHES),
      change: fc.oneof(
        fc.record({ saltBytes: fc.constantFrom(0, 20, 31, 33, 100, 2 ** 33) }),
        fc.record({ mgf: fc.constantFrom(0, ck.CKG_MGF1_SHA1, ck.CKG_MGF1_SHA224, 77) }),
      ),
    }),
    check: async (client, { hash, change }) => {
      const session = await client.enter();
      const key = await privateKey(client, session, rsaKey);
      const mechanism = { type: ck.CKM_RSA_PKCS_PSS, parameter: pssParameter(hash, change) };
      await client.gives(ck.CKR_MECHANISM_PARAM_INVALID, 'signInit', { session, mechanism, key });
    },
  }),
  promiseOf({
    id: 'sign-data-length',
    title: 'Data too long for the key, or not as long as the hash, is CKR_DATA_LEN_RANGE and ends the operation',
    spec: '5.11 C_Sign; 2.1.6 and 2.1.10 of the mechanisms',
    by: 'standard',
    given: fc.oneof(
      fc.record({ mechanism: fc.constant(bare(ck.CKM_RSA_PKCS)), length: fc.integer({ min: 246, max: 300 }) }),
      fc.record({
        mechanism: fc.constant({ type: ck.CKM_RSA_PKCS_PSS, parameter: pssParameter(HASHES[0]) }),
        length: fc.integer({ min: 1, max: 200 }).filter((length) => length !== 32),
      }),
    ),
    check: async (client, { mechanism, length }) => {
      const session = await client.enter();
      const key = await privateKey(client, session, rsaKey);
      const data = new Uint8Array(length).fill(3);
      await client.ok('signInit', { session, mechanism, key });
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'sign', { session, data, signature: ROOM });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'sign', { session, data, signature: ROOM });
    },
  }),
  promiseOf({
    id: 'sign-one-part-mechanisms',
    title: 'A mechanism that does not hash takes no parts',
    spec: '5.11 C_SignUpdate; the table of section 2 of the mechanisms',
    by: 'standard',
    given: fc.constantFrom(...signatureSchemes.filter(({ hashes }) => !hashes)),
    check: async (client, scheme) => {
      const { session, signing } = await pairOf(client, scheme);
      await client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing });
      const codes = [ck.CKR_OPERATION_NOT_INITIALIZED, ck.CKR_FUNCTION_NOT_SUPPORTED, ck.CKR_FUNCTION_FAILED];
      await client.gives(codes, 'signUpdate', { session, part: Uint8Array.of(1) });
    },
  }),
  promiseOf({
    id: 'sign-whole-after-parts',
    title: 'C_Sign and C_Verify do not finish what a part began: the operation ends',
    spec: '5.11 C_Sign; 5.12 C_Verify',
    by: 'ours',
    given: fc.record({ scheme: hashingScheme, text: message }),
    check: async (client, { scheme: { key, mechanism }, text }) => {
      const session = await client.enter();
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      await client.ok('signInit', { session, mechanism, key: await privateKey(client, session, key) });
      await client.ok('signUpdate', { session, part: text });
      await client.gives(none, 'sign', { session, data: text, signature: ROOM });
      await client.gives(none, 'signFinal', { session, signature: ROOM });
      const signature = new Uint8Array(key.signatureBytes);
      await client.ok('verifyInit', { session, mechanism, key: await publicKey(client, session, key) });
      await client.ok('verifyUpdate', { session, part: text });
      await client.gives(none, 'verify', { session, data: text, signature });
      await client.gives(none, 'verifyFinal', { session, signature });
    },
  }),
  promiseOf({
    id: 'sign-longest-payload',
    title: 'The padding of CKM_RSA_PKCS takes 11 bytes: a payload of the rest is signed, and one byte more is not',
    spec: '2.1.6 of the mechanisms',
    by: 'ours',
    given: fc.integer({ min: 1, max: 255 }),
    check: async (client, byte) => {
      const session = await client.enter();
      const mechanism = bare(ck.CKM_RSA_PKCS);
      const longest = new Uint8Array(256 - 11).fill(byte);
      const verifying = await publicKey(client, session, rsaKey);
      const key = await privateKey(client, session, rsaKey);
      const signature = await client.sign(session, mechanism, key, longest);
      equal(await client.verify(session, mechanism, verifying, longest, signature), ck.CKR_OK, 'the code');
      const data = new Uint8Array(256 - 10).fill(byte);
      await client.ok('signInit', { session, mechanism, key });
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'sign', { session, data, signature: ROOM });
      await client.ok('verifyInit', { session, mechanism, key: verifying });
      await client.gives(ck.CKR_DATA_LEN_RANGE, 'verify', { session, data, signature });
    },
  }),
];
