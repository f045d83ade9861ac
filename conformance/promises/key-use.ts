/** Which keys and parameters sign and verify (sections 5.11 and 5.12). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare } from '../client.ts';
import { HASHES, p256Key, privateKey, pssParameter, publicKey, rsaKey } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { signatureSchemes } from '../signature-schemes.ts';
import { anyScheme, Pair } from './pair.ts';

/** CK_RSA_PKCS_PSS_PARAMS that no service takes. */
const wrongPss = fc.constantFrom(null, new Uint8Array(0), new Uint8Array(23), pssParameter(HASHES[0]).subarray(0, 16));

export const keyUsePromises: readonly Promised[] = [
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
      const { session, mechanism, signing, verifying } = await Pair.of(client, scheme);
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
      const pair = await Pair.of(client, scheme);
      await client.ok('logout', { session: pair.session });
      const codes = [ck.CKR_USER_NOT_LOGGED_IN, ck.CKR_KEY_HANDLE_INVALID, ck.CKR_OBJECT_HANDLE_INVALID];
      await client.gives(codes, 'signInit', pair.start('signInit'));
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
      const pair = await Pair.of(client, scheme);
      const mechanism = { type: scheme.mechanism.type, parameter };
      const codes = [ck.CKR_MECHANISM_PARAM_INVALID, ck.CKR_ARGUMENTS_BAD];
      await client.gives(codes, 'signInit', pair.start('signInit', mechanism));
      await client.gives(codes, 'verifyInit', pair.start('verifyInit', mechanism));
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
      const mechanism = { type: ck.CKM_RSA_PKCS_PSS, parameter: pssParameter(hash, change) };
      const pair = await Pair.of(client, { key: rsaKey, mechanism });
      await client.gives(ck.CKR_MECHANISM_PARAM_INVALID, 'signInit', pair.start('signInit'));
    },
  }),
];
