import { beforeEach, expect, test, vi } from 'vitest';
import { Clock } from '../clock.ts';
import { CryptoPool } from '../keyvault/crypto-pool.ts';
import { type KeyParts, keyParts } from '../keyvault/parts.ts';
import { RoleBook } from '../rbac/role-book.ts';
import { openStore, type Store } from '../store/store.ts';
import { makeAuthority } from '../tls/certificate-authority.ts';

const container = { storageResourceUri: 'https://store.blob.core.windows.net/backups', token: 'sv=2020&sig=x' };
const assignment = { name: 'a', principalId: 'someone', roleDefinition: 'a role', scope: '/' };

const ca = await makeAuthority(new Date());
let nowMs = 0;
let store: Store;
let roles: RoleBook;
let parts: KeyParts;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  store = openStore(undefined);
  await open();
});

async function open(): Promise<void> {
  roles = new RoleBook(store.records);
  parts = await keyParts({}, { store, ca, clock: new Clock(() => nowMs), crypto: new CryptoPool(0), roles });
}

/** @returns the folder's name */
function backedUp(): string {
  const job = parts.poolBackups.backup(container, 'pool');
  nowMs += 2000;
  const uri = parts.jobs.statusOf(job).azureStorageBlobContainerUri;
  return String(uri).split('/').at(-1) ?? '';
}

const namesOf = () => [...parts.keys.ring.all()].map(({ name }) => name);

test('a full restore writes keys and roles in one transaction, and changes nothing when that fails', async () => {
  await parts.keys.create('old', { kty: 'EC-HSM' });
  const folder = backedUp();
  parts.keys.delete('old');
  await parts.keys.create('new', { kty: 'EC-HSM' });
  const [role] = roles.definitions();
  roles.addAssignment({ ...assignment, roleDefinition: role?.name ?? '' });

  const apply = vi.spyOn(store.records, 'apply');
  apply.mockImplementationOnce(() => {
    throw new Error('the disk is full');
  });
  expect(() => parts.poolBackups.restore(container, folder)).toThrow('the disk is full');
  expect([namesOf(), roles.assignments().length]).toEqual([['old', 'new'], 1]);
  apply.mockClear();
  parts.poolBackups.restore(container, folder);
  expect(apply).toHaveBeenCalledTimes(1);
  expect([namesOf(), roles.assignments().length]).toEqual([['old'], 0]);
  await open();
  expect([namesOf(), roles.assignments().length]).toEqual([['old'], 0]);
});

test('what a backup holds is read when it is asked for, and not when the pool starts', async () => {
  await parts.keys.create('old', { kty: 'EC-HSM' });
  const folder = backedUp();
  parts.keys.delete('old');
  const all = vi.spyOn(store.records, 'all');
  await open();
  expect(all.mock.calls.map(([kind]) => kind)).not.toContain('backupContent');
  parts.poolBackups.restore(container, folder);
  expect(parts.keys.ring.live('old').versions).toHaveLength(1);
});
