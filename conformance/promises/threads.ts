/** Sessions at work at the same time (Usage Guide: applications and their use of Cryptoki). */

import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, type Client, classIs, equal, labelIs, ROOM } from '../client.ts';
import { HASHES, privateKey, publicKey, testKeys } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { signatureSchemes } from '../signature-schemes.ts';

const message = fc.uint8Array({ minLength: 1, maxLength: 200 });
const anyScheme = fc.constantFrom(...signatureSchemes);
const several = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 2, maxLength: 6 });

async function sessions(client: Client, count: number): Promise<number[]> {
  const handles = [await client.enter()];
  while (handles.length < count) handles.push(await client.open());
  return handles;
}

export const threadPromises: readonly Promised[] = [
  promiseOf({
    id: 'threads-sign',
    title: 'Sessions that sign at the same time each get the signature of their own message',
    spec: 'Usage Guide: applications and threads; 5.4 C_Initialize (CKF_OS_LOCKING_OK)',
    by: 'standard',
    given: several(fc.record({ scheme: anyScheme, text: message })),
    check: async (client, jobs) => {
      const handles = await sessions(client, jobs.length);
      const first = handles[0] ?? 0;
      const keys: { signing: number; verifying: number }[] = [];
      for (const { scheme } of jobs) {
        await client.needs(scheme.mechanism);
        const signing = await privateKey(client, first, scheme.key);
        keys.push({ signing, verifying: await publicKey(client, first, scheme.key) });
      }
      const signatures = await Promise.all(
        jobs.map(({ scheme, text }, i) =>
          client.sign(handles[i] ?? 0, scheme.mechanism, keys[i]?.signing ?? 0, scheme.input(text)),
        ),
      );
      for (const [i, { scheme, text }] of jobs.entries()) {
        const signature = signatures[i] ?? new Uint8Array(0);
        const code = await client.verify(
          first,
          scheme.mechanism,
          keys[i]?.verifying ?? 0,
          scheme.input(text),
          signature,
        );
        equal(code, ck.CKR_OK, `the code for message ${i + 1}`);
      }
    },
  }),
  promiseOf({
    id: 'threads-digest',
    title: 'Digests of several sessions, their parts in any order, do not mix',
    spec: 'Usage Guide: applications and threads; 5.10',
    by: 'standard',
    given: several(fc.record({ hash: fc.constantFrom(...HASHES), texts: fc.array(message, { maxLength: 4 }) })),
    check: async (client, jobs) => {
      const handles = await sessions(client, jobs.length);
      for (const [i, { hash }] of jobs.entries()) {
        await client.ok('digestInit', { session: handles[i] ?? 0, mechanism: bare(hash.digest) });
      }
      for (let turn = 0; turn < 4; turn++) {
        for (const [i, { texts }] of jobs.entries()) {
          const part = texts[turn];
          if (part !== undefined) await client.ok('digestUpdate', { session: handles[i] ?? 0, part });
        }
      }
      const digests = await Promise.all(
        jobs.map((_, i) => client.ok('digestFinal', { session: handles[i] ?? 0, digest: ROOM })),
      );
      for (const [i, { hash, texts }] of jobs.entries()) {
        equal(digests[i]?.digest.bytes, createHash(hash.name).update(Buffer.concat(texts)).digest(), `digest ${i + 1}`);
      }
    },
  }),
  promiseOf({
    id: 'threads-search',
    title: 'Sessions that search at the same time each find what they asked for',
    spec: 'Usage Guide: applications and threads; 5.7 C_FindObjects',
    by: 'standard',
    given: several(fc.constantFrom(...testKeys)),
    check: async (client, keys) => {
      const handles = await sessions(client, keys.length);
      const promised: number[] = [];
      for (const key of keys) promised.push(await privateKey(client, handles[0] ?? 0, key));
      const found = await Promise.all(
        keys.map((key, i) => client.find(handles[i] ?? 0, classIs(ck.CKO_PRIVATE_KEY), labelIs(key.label))),
      );
      equal(
        found,
        promised.map((handle) => [handle]),
        'what each found',
      );
    },
  }),
  promiseOf({
    id: 'session-closed-under-way',
    title: 'Closing one session does not disturb a signature in another',
    spec: 'Usage Guide: applications and threads; 5.6 C_CloseSession',
    by: 'standard',
    given: fc.record({ scheme: anyScheme, text: message }),
    check: async (client, { scheme, text }) => {
      await client.needs(scheme.mechanism);
      const [one = 0, other = 0] = await sessions(client, 2);
      const key = await privateKey(client, one, scheme.key);
      const verifying = await publicKey(client, one, scheme.key);
      const data = scheme.input(text);
      await client.ok('signInit', { session: other, mechanism: scheme.mechanism, key });
      const [answer] = await Promise.all([
        client.ok('sign', { session: other, data, signature: ROOM }),
        client.ok('closeSession', { session: one }),
      ]);
      const signature = answer.signature.bytes ?? new Uint8Array(0);
      equal(await client.verify(other, scheme.mechanism, verifying, data, signature), ck.CKR_OK, 'the code');
    },
  }),
];
