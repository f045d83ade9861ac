/** Digests (section 5.10). */

import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, equal, ROOM } from '../client.ts';
import { HASHES, privateKey, publicKey } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { hashingSchemes } from '../signature-schemes.ts';

const anyHash = fc.constantFrom(...HASHES);
const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
const hashAndText = fc.record({ hash: anyHash, text: message });
const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 150 }), { maxLength: 6 });

export const digestPromises: readonly Promised[] = [
  promiseOf({
    id: 'digest-empty-message',
    title: 'The empty message has a digest, in one part and in none',
    spec: 'docs: mechanisms; 5.10 C_Digest',
    by: 'ours',
    given: anyHash,
    check: async (client, hash) => {
      const session = await client.open();
      const promised = createHash(hash.name).digest();
      equal(await client.digest(session, bare(hash.digest), new Uint8Array(0)), promised, 'the digest');
    },
  }),
  promiseOf({
    id: 'digest-value',
    title: 'A digest is what another implementation computes',
    spec: '5.10 C_Digest; 2.20 to 2.22 of the mechanisms',
    by: 'standard',
    given: hashAndText,
    check: async (client, { hash, text }) => {
      const session = await client.open();
      const digest = await client.digest(session, bare(hash.digest), text);
      equal(digest, createHash(hash.name).update(text).digest(), 'the digest');
    },
  }),
  promiseOf({
    id: 'digest-in-parts',
    title: 'Cut into parts, or with no part at all, a message has the digest that it has as a whole',
    spec: '5.10 C_DigestUpdate, C_DigestFinal',
    by: 'standard',
    given: fc.record({ hash: anyHash, texts: parts }),
    check: async (client, { hash, texts }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      for (const part of texts) await client.ok('digestUpdate', { session, part });
      const { digest } = await client.ok('digestFinal', { session, digest: ROOM });
      equal(digest.bytes, createHash(hash.name).update(Buffer.concat(texts)).digest(), 'the digest');
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digestFinal', { session, digest: ROOM });
    },
  }),
  promiseOf({
    id: 'digest-buffer-too-small',
    title: 'A buffer too small for the digest is CKR_BUFFER_TOO_SMALL and keeps the operation',
    spec: '5.2; 5.10 C_Digest, C_DigestFinal',
    by: 'standard',
    given: fc.record({ hash: anyHash, text: message, room: fc.integer({ min: 1, max: 31 }) }),
    check: async (client, { hash, text, room }) => {
      const session = await client.open();
      const promised = createHash(hash.name).update(text).digest();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'digest', { session, data: text, digest: room });
      equal((await client.ok('digest', { session, data: text, digest: ROOM })).digest.bytes, promised, 'the digest');
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.ok('digestUpdate', { session, part: text });
      await client.gives(ck.CKR_BUFFER_TOO_SMALL, 'digestFinal', { session, digest: room });
      equal((await client.ok('digestFinal', { session, digest: ROOM })).digest.bytes, promised, 'the digest in parts');
    },
  }),
  promiseOf({
    id: 'digest-length',
    title: 'NULL for the digest asks for its length and keeps the operation',
    spec: '5.2; 5.10 C_Digest',
    by: 'standard',
    needs: 'lengths',
    given: hashAndText,
    check: async (client, { hash, text }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      const { digest } = await client.ok('digest', { session, data: text, digest: null });
      equal(digest.length, hash.bytes, 'the length');
      await client.ok('digest', { session, data: text, digest: hash.bytes });
    },
  }),
  promiseOf({
    id: 'digest-states',
    title:
      'One digest a session: a second start is CKR_OPERATION_ACTIVE, and without one CKR_OPERATION_NOT_INITIALIZED',
    spec: '5.10 C_DigestInit',
    by: 'standard',
    given: hashAndText,
    check: async (client, { hash, text }) => {
      const session = await client.open();
      const none = ck.CKR_OPERATION_NOT_INITIALIZED;
      const mechanism = bare(hash.digest);
      await client.gives(none, 'digest', { session, data: text, digest: ROOM });
      await client.gives(none, 'digestUpdate', { session, part: text });
      await client.ok('digestInit', { session, mechanism });
      await client.gives(ck.CKR_OPERATION_ACTIVE, 'digestInit', { session, mechanism });
      await client.ok('digest', { session, data: text, digest: ROOM });
      await client.gives(none, 'digest', { session, data: text, digest: ROOM });
    },
  }),
  promiseOf({
    id: 'digest-needs-no-login',
    title: 'A digest goes on over login and begins before one',
    spec: 'Usage Guide: session events; 5.10',
    by: 'ours',
    given: hashAndText,
    check: async (client, { hash, text }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.ok('digestUpdate', { session, part: text });
      await client.login(session);
      const { digest } = await client.ok('digestFinal', { session, digest: ROOM });
      equal(digest.bytes, createHash(hash.name).update(text).digest(), 'the digest');
    },
  }),
  promiseOf({
    id: 'operations-of-each-kind',
    title: 'A digest, a signature and a verification go on side by side in one session',
    spec: 'docs: operations; Usage Guide: object access by sessions leaves it to the token',
    by: 'ours',
    given: fc.record({
      hash: anyHash,
      scheme: fc.constantFrom(...hashingSchemes),
      text: message,
      order: fc.nat({ max: 5 }),
    }),
    check: async (client, { hash, scheme, text, order }) => {
      const session = await client.enter();
      const [signing, verifying] = [
        await privateKey(client, session, scheme.key),
        await publicKey(client, session, scheme.key),
      ];
      const good = await client.sign(session, scheme.mechanism, signing, text);
      const starts = [
        () => client.ok('digestInit', { session, mechanism: bare(hash.digest) }),
        () => client.ok('signInit', { session, mechanism: scheme.mechanism, key: signing }),
        () => client.ok('verifyInit', { session, mechanism: scheme.mechanism, key: verifying }),
      ];
      for (let i = 0; i < starts.length; i++) await starts[(i * (1 + (order % 2)) + order) % 3]?.();
      await client.ok('signUpdate', { session, part: text });
      await client.ok('digestUpdate', { session, part: text });
      await client.ok('verifyUpdate', { session, part: text });
      await client.ok('verifyFinal', { session, signature: good });
      const { digest } = await client.ok('digestFinal', { session, digest: ROOM });
      equal(digest.bytes, createHash(hash.name).update(text).digest(), 'the digest');
      const { signature } = await client.ok('signFinal', { session, signature: ROOM });
      equal(
        await client.verify(session, scheme.mechanism, verifying, text, signature.bytes ?? good),
        ck.CKR_OK,
        'the code',
      );
    },
  }),
  promiseOf({
    id: 'digest-whole-after-parts',
    title: 'C_Digest does not finish what C_DigestUpdate began: the operation ends',
    spec: '5.10 C_Digest',
    by: 'ours',
    given: hashAndText,
    check: async (client, { hash, text }) => {
      const session = await client.open();
      await client.ok('digestInit', { session, mechanism: bare(hash.digest) });
      await client.ok('digestUpdate', { session, part: text });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digest', { session, data: text, digest: ROOM });
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'digestFinal', { session, digest: ROOM });
    },
  }),
];
