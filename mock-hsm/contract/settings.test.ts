import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open();
});

afterAll(() => pool.close());

describe('settings', () => {
  const name = 'AllowKeyManagementOperationsThroughARM';

  test('are listed under their own word, and read one by one', async () => {
    const { settings } = (await pool.asAdmin<{ settings: readonly object[] }>('GET', '/settings')).body;
    expect(settings).toEqual([{ name, type: 'boolean', value: expect.stringMatching(/^(true|false)$/) }]);
    expect((await pool.asAdmin('GET', `/settings/${name}`)).body).toEqual(settings[0]);
  });

  test('are off at first, and changed one by one', { tags: ['own-pool'] }, async () => {
    expect((await pool.asAdmin('GET', `/settings/${name}`)).body.value).toBe('false');
    const changed = await pool.asAdmin('PATCH', `/settings/${name}`, { value: 'TRUE' });
    expect(changed).toMatchObject({ status: 200, body: { name, type: 'boolean', value: 'true' } });
    expect((await pool.asAdmin('GET', `/settings/${name}`)).body.value).toBe('true');
  });

  test('take no other value and no other name', { tags: ['own-pool'] }, async () => {
    expect(await pool.asAdmin('PATCH', `/settings/${name}`, { value: 'maybe' })).toMatchObject({ status: 400 });
    expect(await pool.asAdmin('PATCH', `/settings/${name}`, { value: true })).toMatchObject({ status: 400 });
    for (const [method, body] of [['GET'], ['PATCH', { value: 'true' }]] as const) {
      const answer = await pool.asAdmin(method, '/settings/Other', body);
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidSetting' } } });
      expect(answer.body.error.message).toMatch(
        /^Invalid setting name\. Please check the spelling of the setting name/,
      );
    }
  });

  test('are unknown to older api-versions', async () => {
    expect(await pool.asAdmin('GET', '/settings?api-version=7.3')).toMatchObject({ status: 400 });
  });
});
