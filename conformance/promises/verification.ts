/** Verifying (section 5.12). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { hashingSchemes, type SignatureScheme } from '../signature-schemes.ts';
import { anyScheme, hashingScheme, message, Pair, parts } from './pair.ts';

export const verificationPromises: readonly Promised[] = [
  promiseOf({
    id: 'verify-other-message',
    title: 'A signature of another message is CKR_SIGNATURE_INVALID',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, bit: fc.nat() }),
    check: async (client, { scheme, text, bit }) => {
      const pair = await Pair.of(client, scheme);
      const signature = await pair.sign(scheme.input(text));
      const other = scheme.input(Buffer.concat([text, Uint8Array.of(bit)]));
      await pair.verifies(other, signature, ck.CKR_SIGNATURE_INVALID);
    },
  }),
  promiseOf({
    id: 'verify-changed-signature',
    title: 'A signature with one bit changed is CKR_SIGNATURE_INVALID',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, bit: fc.nat() }),
    check: async (client, { scheme, text, bit }) => {
      const pair = await Pair.of(client, scheme);
      const data = scheme.input(text);
      const signature = Buffer.from(await pair.sign(data));
      const at = (bit >> 3) % signature.length;
      signature[at] = (signature[at] ?? 0) ^ (1 << (bit & 7));
      await pair.verifies(data, signature, ck.CKR_SIGNATURE_INVALID);
    },
  }),
  promiseOf({
    id: 'verify-in-parts',
    title: 'A message is verified in parts as it is as a whole, and another is not',
    spec: '5.12 C_VerifyUpdate, C_VerifyFinal',
    by: 'standard',
    given: fc.record({ scheme: hashingScheme, texts: parts, isChanged: fc.boolean() }),
    check: async (client, { scheme, texts, isChanged }) => {
      const pair = await Pair.of(client, scheme);
      const { session } = pair;
      const signature = await pair.sign(Buffer.concat(texts));
      await pair.begin('verifyInit');
      for (const part of texts) await client.ok('verifyUpdate', { session, part });
      if (isChanged) await client.ok('verifyUpdate', { session, part: Uint8Array.of(1) });
      const code = isChanged ? ck.CKR_SIGNATURE_INVALID : ck.CKR_OK;
      await client.gives(code, 'verifyFinal', { session, signature });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'verifyFinal', { session, signature });
    },
  }),
  promiseOf({
    id: 'verify-ends',
    title: 'C_Verify ends the operation, whether the signature is good or not',
    spec: '5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message, isGood: fc.boolean() }),
    check: async (client, { scheme, text, isGood }) => {
      const pair = await Pair.of(client, scheme);
      const data = scheme.input(text);
      const good = await pair.sign(data);
      const signature = isGood ? good : new Uint8Array(good.length).fill(1);
      await pair.verifies(data, signature, isGood ? ck.CKR_OK : ck.CKR_SIGNATURE_INVALID);
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'verify', { session: pair.session, data, signature });
    },
  }),
  promise({
    id: 'verify-once-a-session',
    title: 'A second start of a verification is CKR_OPERATION_ACTIVE, and the first goes on',
    spec: '5.12 C_VerifyInit',
    by: 'standard',
    check: async (client) => {
      const scheme = hashingSchemes[0] as SignatureScheme;
      const pair = await Pair.of(client, scheme);
      const data = Uint8Array.of(1, 2, 3);
      const signature = await pair.sign(data);
      const start = pair.start('verifyInit');
      await client.ok('verifyInit', start);
      await client.gives(ck.CKR_OPERATION_ACTIVE, 'verifyInit', start);
      await client.ok('verify', { session: pair.session, data, signature });
    },
  }),
];
