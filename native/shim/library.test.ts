import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BUILD, Driver } from '../test/driver.ts';

const MODULE = join(BUILD, 'libmhsm-pkcs11.so');
const run = (program: string, ...arguments_: string[]) => execFileSync(program, arguments_, { encoding: 'utf8' });

test('exports the functions of PKCS#11 2.40 and nothing else', () => {
  const names = [...run('nm', '-D', '--defined-only', MODULE).matchAll(/^\S+ T (\w+)$/gm)].map((match) => match[1]);
  const header = readFileSync('/usr/include/p11-kit-1/p11-kit/pkcs11.h', 'utf8');
  const list = /^struct ck_function_list\n\{([\s\S]*?)\n\};/m.exec(header)?.[1] ?? '';
  const expected = [...list.matchAll(/^\s+CK_C_\w+ (C_\w+);$/gm)].map((match) => match[1]);
  expect(expected).toHaveLength(68);
  expect(names.toSorted()).toEqual(expected.toSorted());
});

test('needs the C library alone, and never the symbols of another module', () => {
  const dynamic = run('readelf', '-dW', MODULE);
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]);
  expect(needed).toEqual(['libc.so.6']);
  expect(dynamic).toMatch(/BIND_NOW/);
  expect(run('readelf', '-rW', MODULE)).not.toMatch(/ C_\w+/);
  expect(run('readelf', '-lW', MODULE)).toMatch(/GNU_RELRO/);
  expect(run('readelf', '-lW', MODULE)).toMatch(/GNU_STACK.* RW /);
});

test('frees with the allocator that it allocated with, in a host with another one too', () => {
  // OpenSSL's pkcs11-provider loads modules with RTLD_DEEPBIND: malloc and free are those of libc then, but what libc
  // allocates by itself comes from the host's allocator (HAProxy has jemalloc), and free ends the process.
  const imports = [...run('nm', '-D', '--undefined-only', MODULE).matchAll(/ U (\w+)/g)].map((match) => match[1]);
  const allocating = /^(reallocarray|(v|__v?)?asprintf(_chk)?|strn?dup|getline|getdelim|open_memstream|scandir)$/;
  expect(imports.filter((name) => allocating.test(name ?? ''))).toEqual([]);
});

test('C_GetInfo tells the version of package.json', async () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  const driver = await Driver.load(BUILD, { MHSM_PKCS11_SOCKET: '/nowhere/socket' });
  await driver.run('init null');
  expect(await driver.run('info')).toMatch(new RegExp(`${version.split('.').slice(0, 2).join('\\.')}$`));
  expect(await driver.end()).toBe(0);
});
