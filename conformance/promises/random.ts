/** Random numbers (section 5.15). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { equal, holds } from '../client.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';

export const randomPromises: readonly Promised[] = [
  promiseOf({
    id: 'random-length',
    title: 'C_GenerateRandom gives as many bytes as asked for, and others the next time',
    spec: '5.15 C_GenerateRandom',
    by: 'standard',
    given: fc.integer({ min: 16, max: 200 }),
    check: async (client, length) => {
      const session = await client.enter();
      const first = (await client.ok('generateRandom', { session, length })).bytes;
      const second = (await client.ok('generateRandom', { session, length })).bytes;
      equal([first.length, second.length], [length, length], 'the lengths');
      holds(!Buffer.from(first).equals(second), 'the same bytes came twice');
    },
  }),
  promise({
    id: 'random-seed',
    title: 'The HSM takes no seed: CKR_RANDOM_SEED_NOT_SUPPORTED',
    spec: '5.15 C_SeedRandom',
    by: 'ours',
    check: async (client) => {
      const session = await client.open();
      await client.gives(ck.CKR_RANDOM_SEED_NOT_SUPPORTED, 'seedRandom', { session, seed: Uint8Array.of(1) });
    },
  }),
  promise({
    id: 'random-before-login',
    title: 'Random bytes come before a login too: callers ask for them to seed their own generator',
    spec: 'docs: C_GenerateRandom',
    by: 'ours',
    check: async (client) => {
      const session = await client.open();
      equal((await client.ok('generateRandom', { session, length: 24 })).bytes.length, 24, 'the length');
    },
  }),
];
