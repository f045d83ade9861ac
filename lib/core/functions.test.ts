import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { constantOf } from '../pkcs11/names.ts';
import { EMPTY } from '../tags/values.ts';
import { mechanismTypes } from './mechanisms.ts';
import { Client, codeOf, setUp } from './test-client.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/functions.md'), 'utf8');
const row = /^\| `(CKM_\w+)` +\| +(?:[\d.]+ +)?\| ([a-z, ]+?) +\| +(?:(\d+)-(\d+) +)?\|/gm;

const USES: Readonly<Record<string, number>> = {
  generate: ck.CKF_GENERATE_KEY_PAIR,
  sign: ck.CKF_SIGN,
  verify: ck.CKF_VERIFY,
  encrypt: ck.CKF_ENCRYPT,
  decrypt: ck.CKF_DECRYPT,
  digest: ck.CKF_DIGEST,
};
const ALL_USES = Object.values(USES).reduce((flags, flag) => flags | flag, 0);

/** The table of mechanisms that users read. */
const documented = [...text.matchAll(row)].map(([, name = '', uses = '', min = '0', max = '0']) => ({
  mechanism: constantOf('CKM', name) ?? -1,
  minKeySize: Number(min),
  maxKeySize: Number(max),
  flags: uses.split(', ').reduce((flags, use) => flags | (USES[use] ?? Number.NaN), 0),
}));

describe('docs/functions.md', () => {
  test('names the mechanisms of the list, in its order', () => {
    expect(documented.map(({ mechanism }) => mechanism)).toEqual(mechanismTypes);
  });

  test('says of each what C_GetMechanismInfo says', () => {
    const application = setUp().library.createApplication();
    for (const { mechanism, flags, ...sizes } of documented) {
      const info = application.getMechanismInfo({ slot: 7, mechanism });
      expect(info, `0x${mechanism.toString(16)}`).toMatchObject(sizes);
      expect(info.flags & ALL_USES, `0x${mechanism.toString(16)}`).toBe(flags);
    }
  });

  test('says of the functions that are always refused here by which code', async () => {
    const client = await Client.open(setUp().library);
    const { privateKey } = await client.generateEc('key');
    const { application } = client;
    const refused = {
      C_CopyObject: () => application.copyObject({ session: 1, object: privateKey, template: [] }),
      C_CreateObject: () => application.createObject({ session: 1, template: [] }),
      C_SeedRandom: () => application.seedRandom({ session: 1, seed: EMPTY }),
    };
    for (const [name, call] of Object.entries(refused)) {
      const code = new RegExp(`^\\| \`${name}\` +\\| [\\d.]+ +\\| \`(CKR_\\w+)\``, 'm').exec(text)?.[1] ?? '';
      expect(await codeOf(call), name).toBe(constantOf('CKR', code));
    }
  });
});
