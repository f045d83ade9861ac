// @module-tag own-pool
// What follows from how a pool was made: retention and purge protection.
import { expect, test } from 'vitest';
import { PoolConnection, role } from './pool-connection.ts';

test.each([
  [90, false, 'Recoverable+Purgeable'],
  [7, false, 'CustomizedRecoverable+Purgeable'],
  [90, true, 'Recoverable'],
  [30, true, 'CustomizedRecoverable'],
])('%i days, purge protection %s: %s', async (retentionDays, purgeProtection, recoveryLevel) => {
  const pool = await PoolConnection.open({ retentionDays, purgeProtection });
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
  const { attributes } = (await pool.call('POST', '/keys/k/create', { body: { kty: 'EC-HSM' } })).body;
  expect(attributes).toMatchObject({ recoverableDays: retentionDays, recoveryLevel });
  const { deletedDate, scheduledPurgeDate } = (await pool.call('DELETE', '/keys/k')).body;
  expect(scheduledPurgeDate - deletedDate).toBe(retentionDays * 86_400);
  const purged = await pool.call('DELETE', '/deletedkeys/k');
  if (purgeProtection) expect(purged).toMatchObject({ status: 403, body: { error: { code: 'Forbidden' } } });
  else expect(purged).toMatchObject({ status: 204 });
  await pool.close();
});
