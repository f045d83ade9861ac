import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentPlaces, isSafe, socketName } from './location.ts';

const FILE = '/etc/mhsm-pkcs11.conf';
const NAME = '24b793226252c1be.sock';

describe('where an agent listens', () => {
  test('the name stands for the path of the configuration', () => {
    expect(socketName(FILE)).toBe(NAME);
    expect(socketName('/etc/other.conf')).not.toBe(NAME);
  });

  test('root looks in /run alone, others there and in a folder of their own', () => {
    expect(agentPlaces(FILE, {}, 0)).toEqual([{ socket: `/run/mhsm-pkcs11/${NAME}`, isPrivate: false }]);
    expect(agentPlaces(FILE, {}, 33).map(({ socket }) => socket)).toEqual([
      `/run/mhsm-pkcs11/${NAME}`,
      `/tmp/mhsm-pkcs11-33/${NAME}`,
    ]);
    expect(agentPlaces(FILE, { XDG_RUNTIME_DIR: '/run/user/1000' }, 1000)[1]).toEqual({
      socket: `/run/user/1000/mhsm-pkcs11/${NAME}`,
      isPrivate: true,
    });
  });

  test('MHSM_PKCS11_SOCKET stands before all', () => {
    expect(agentPlaces(FILE, { MHSM_PKCS11_SOCKET: '/x' }, 33)).toEqual([{ socket: '/x', isPrivate: false }]);
  });
});

describe('a folder of one’s own', () => {
  let folder: string;
  const uid = getuid?.() ?? -1;
  const inFolder = (name: string) => ({ socket: join(folder, name, 'a.sock'), isPrivate: true });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-location-'));
    mkdirSync(join(folder, 'mine'), { mode: 0o700 });
    mkdirSync(join(folder, 'open'), { mode: 0o755 });
    symlinkSync(join(folder, 'mine'), join(folder, 'link'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['of mode 0700 is safe', 'mine', uid, true],
    ['that is not there yet is safe', 'none', uid, true],
    ['of another user is not', 'mine', uid + 1, false],
    ['that others may enter is not', 'open', uid, false],
    ['behind a link is not', 'link', uid, false],
  ])('%s', (_what, name, asUser, safe) => {
    expect(isSafe(inFolder(name), asUser)).toBe(safe);
  });
});
