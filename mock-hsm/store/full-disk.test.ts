import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type PoolConnection, role } from '../contract/pool-connection.ts';
import { ServedFolder } from '../contract/served-folder.ts';

const work = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
const running: ServedFolder[] = [];

afterAll(async () => {
  await Promise.all(running.map((each) => each.kill()));
  rmSync(work, { recursive: true });
});

async function serve(fileLimit?: number): Promise<ServedFolder> {
  const served = new ServedFolder(join(work, 'data'), fileLimit === undefined ? {} : { fileLimit });
  running.push(served);
  await served.ready();
  return served;
}

// 15 tags are about 8 kB, so that the limit is soon reached.
const tags = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`${i}`.padEnd(256, 'n'), 'v'.repeat(256)]));
const create = (pool: PoolConnection, name: string) =>
  pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM', tags } });
const value = Buffer.alloc(32).toString('base64url');
const sign = (pool: PoolConnection) => pool.call('POST', '/keys/k0/sign', { body: { alg: 'ES256', value } });

test('when the disk is full a change is refused, said why, and nothing that was acknowledged is lost', async () => {
  const limited = await serve(2000);
  const pool = limited.connect();
  for (const each of [role.cryptoUser, role.cryptoOfficer]) await pool.assign(each, '/');
  let made = 0;
  let answer = await create(pool, 'k0');
  while (answer.status === 200 && made < 2000) {
    made += 1;
    answer = await create(pool, `k${made}`);
  }
  expect(answer).toMatchObject({ status: 500, body: { error: { code: 'InternalError' } } });
  expect(answer.body.error.message).toMatch(/^The change could not be stored and was not made/);
  expect(limited.stderr).toMatch(/^mock-hsm: cannot write to \S+mock-hsm\.db: .*(limits for file sizes|no space)/m);
  expect(limited.stderr).not.toContain('    at ');

  expect(await pool.call('GET', `/keys/k${made}`)).toMatchObject({ status: 404 });
  expect(await sign(pool)).toMatchObject({ status: 200 });
  // Room may be had again, when the database clears its log; what matters is that the answer is true.
  const another = await create(pool, 'another');
  await pool.close();
  await limited.kill();

  const free = await serve();
  const after = free.connect();
  for (let i = 0; i < made; i += 1) expect(await after.call('GET', `/keys/k${i}`)).toMatchObject({ status: 200 });
  const isThere = { 200: 200, 500: 404 }[another.status];
  expect(await after.call('GET', '/keys/another')).toMatchObject({ status: isThere });
  expect(await after.call('GET', `/keys/k${made}`)).toMatchObject({ status: 404 });
  expect(await create(after, `k${made}`)).toMatchObject({ status: 200 });
  expect(await sign(after)).toMatchObject({ status: 200 });
  await after.close();
});
