import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ListBody, PageBody } from '../contract/answer-body.ts';
import { PoolConnection, role } from '../contract/pool-connection.ts';
import { openStore } from '../store/store.ts';
import type { KeyVersion } from './key-model.ts';

const sign = { body: { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') } };

test('start, lists and public keys open no private key: they work though none can be opened', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-'));
  const names = Array.from({ length: 30 }, (_, i) => `key-${i}`);
  const pool = await PoolConnection.open({ dataDir: folder });
  await pool.assign(role.cryptoUser, '/');
  for (const name of names) await pool.call('POST', `/keys/${name}/create`, { body: { kty: 'EC-HSM' } });
  expect(await pool.call('POST', '/keys/key-0/sign', sign)).toMatchObject({ status: 200 });
  await pool.close();

  const { records } = openStore(folder);
  const versions = records.all<KeyVersion>('keyVersion');
  const damaged = versions.map((each) => ({ ...each, sealedKey: 'damaged' }));
  records.apply(damaged.map((body) => ({ kind: 'keyVersion', id: body.version, body })));
  records.close();

  const again = await PoolConnection.open({ dataDir: folder });
  const first = (await again.call<PageBody>('GET', '/keys')).body;
  const rest = (await again.call<ListBody>('GET', first.nextLink.slice(again.hsm.url.length))).body;
  expect(first.value.length + rest.value.length).toBe(names.length);
  expect(await again.call('GET', '/keys/key-0')).toMatchObject({ status: 200, body: { key: { crv: 'P-256' } } });
  await again.close();
  rmSync(folder, { recursive: true });
});
