/** Signatures (section 5.11), and what other implementations say of them. */

import * as fc from 'fast-check';
import { equal, holds } from '../client.ts';
import { HASHES, importedKey, privateKey, rsaKey } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { type SignatureScheme, signatureSchemes } from '../signature-schemes.ts';
import { anyMessage, hashingScheme, message, Pair, parts } from './pair.ts';

export const signingPromises: readonly Promised[] = [
  promiseOf({
    id: 'sign-empty-message',
    title: 'The empty message is signed as any other, in one part and in none',
    spec: 'docs: mechanisms; 5.11 C_Sign',
    by: 'ours',
    given: hashingScheme,
    check: async (client, scheme) => {
      const pair = await Pair.of(client, scheme);
      const empty = new Uint8Array(0);
      const signature = await pair.sign(empty);
      const other = await pair.signInParts([]);
      for (const each of [signature, other]) await pair.verifies(empty, each);
    },
  }),
  promiseOf({
    id: 'sign-verifies-here',
    title: 'C_Verify accepts what C_Sign gives, with every mechanism',
    spec: '5.11 C_Sign; 5.12 C_Verify',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const pair = await Pair.of(client, scheme);
      const data = scheme.input(text);
      const signature = await pair.sign(data);
      equal(signature.length, scheme.key.signatureBytes, 'the length of the signature');
      await pair.verifies(data, signature);
    },
  }),
  promiseOf({
    id: 'sign-verifies-elsewhere',
    title: 'Another implementation accepts what C_Sign gives, with the key that the attributes describe',
    spec: '5.11 C_Sign; 2.1 and 2.3 of the mechanisms',
    by: 'standard',
    given: anyMessage,
    check: async (client, { scheme, text }) => {
      const pair = await Pair.of(client, scheme);
      const imported = await importedKey(client, pair.session, pair.verifying, scheme.key);
      const signature = await pair.sign(scheme.input(text));
      holds(scheme.verifies(imported, text, signature), `node:crypto refuses ${scheme.name}`);
    },
  }),
  promiseOf({
    id: 'sign-in-parts',
    title: 'Cut into parts, a message has the signature that it has as a whole',
    spec: '5.11 C_SignUpdate, C_SignFinal; 5.12 C_Verify',
    by: 'standard',
    given: fc.record({ scheme: hashingScheme, texts: parts }),
    check: async (client, { scheme, texts }) => {
      const pair = await Pair.of(client, scheme);
      const signature = await pair.signInParts(texts);
      const whole = Buffer.concat(texts);
      await pair.verifies(whole, signature);
      if (scheme.repeats) equal(signature, await pair.sign(whole), 'the signature');
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
];
