import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exposures } from './exposure.ts';
import { loadConfiguration } from './load.ts';
import { parseConfiguration } from './parse.ts';

const token = { slotid: 0, resourceName: 'myhsm' };
const configurationOf = (tokens: object[]) => parseConfiguration(JSON.stringify({ tokens }), 'f').configuration;
const plain = configurationOf([token]);
const withSecret = configurationOf([{ ...token, credential: { clientId: 'client-1', clientSecret: 'secret-1' } }]);
const own = { uid: 33, gid: 34 };
const root = { uid: 0, gid: 0, mode: 0o100644 };

describe('a configuration file', () => {
  test('of root, or of the one who reads it, that none but they write, is as it should be', () => {
    expect(exposures('f', root, plain, own)).toEqual([]);
    expect(exposures('f', { uid: 33, gid: 33, mode: 0o100600 }, withSecret, own)).toEqual([]);
    expect(exposures('f', { uid: 0, gid: 998, mode: 0o100640 }, withSecret, own)).toEqual([]);
    expect(exposures('f', { ...root, mode: 0o100664 }, plain, own)).toEqual([]);
    expect(exposures('f', { uid: 33, gid: 34, mode: 0o100664 }, plain, own)).toEqual([]);
  });

  test.each([
    ['belongs to somebody else', { ...root, uid: 1000 }, plain, /^f belongs to user id 1000.*chown root f$/],
    ['everybody may write', { ...root, mode: 0o100646 }, plain, /^f can be written by everybody.*chmod o-w f$/],
    ['a group may write', { ...root, gid: 50, mode: 0o100664 }, plain, /^f can be written by group id 50.*g-w f$/],
    ['holds a secret that everybody may read', root, withSecret, /^f holds a client secret.*chmod o-r f$/],
  ])('that %s is warned of, with the cure', (_what, seen, configuration, line) => {
    expect(exposures('f', seen, configuration, own)).toEqual([expect.stringMatching(line)]);
  });

  test('is looked at when it is read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mhsm-exposure-'));
    const file = join(folder, 'mhsm-pkcs11.conf');
    writeFileSync(file, JSON.stringify({ tokens: [token] }));
    chmodSync(file, 0o646);
    expect(loadConfiguration(file).warnings).toEqual([expect.stringContaining('can be written by everybody')]);
    rmSync(folder, { recursive: true });
  });
});
