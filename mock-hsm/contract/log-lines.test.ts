// @module-tag mock-routes
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { startMockHsm } from '../start.ts';
import { PoolConnection, role } from './pool-connection.ts';

const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-log-'));

afterAll(() => rmSync(folder, { recursive: true }));

test('the log file has a JSON line a request, is for its owner alone, and holds no secret', async () => {
  const logFile = join(folder, 'requests.jsonl');
  const hsm = await startMockHsm({ logFile, faults: [{ operation: 'get', status: 503, delayMs: 1 }] });
  const pool = new PoolConnection(hsm);
  await pool.assign(role.cryptoUser, '/keys');
  const token = await pool.token(hsm.client);
  await pool.call('POST', '/keys/written/create', { body: { kty: 'EC-HSM' } });
  await pool.call('GET', '/keys/written');
  await pool.call('POST', '/keys/written/sign', { body: { alg: 'ES256', value: 'A'.repeat(43) } });
  await pool.call('GET', '/keys', { token: null });
  await pool.close();
  const text = readFileSync(logFile, 'utf8');
  const entries = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const principal = hsm.client.objectId;
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index + 1));
  expect(entries.slice(-4)).toMatchObject([
    { operation: 'create', status: 200, principal, role: 'Managed HSM Crypto User', key: 'written' },
    { operation: 'get', status: 503, fault: 'delay+status', reason: 'ServiceUnavailable' },
    { operation: 'sign', status: 200, principal, algorithm: 'ES256', durationMs: expect.any(Number) },
    { operation: 'list', status: 401, reason: 'no bearer token' },
  ]);
  for (const secret of [token, hsm.client.clientSecret, hsm.admin.clientSecret]) expect(text).not.toContain(secret);
  expect(statSync(logFile).mode & 0o777).toBe(0o600);
});

test.runIf(existsSync('/dev/full'))('a log whose disk is full is said once, and requests go on', async () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const pool = new PoolConnection(await startMockHsm({ logFile: '/dev/full' }));
  for (let i = 0; i < 3; i += 1)
    expect(await pool.call('GET', '/keys', { token: null })).toMatchObject({ status: 401 });
  await expect.poll(() => stderr.mock.calls.length).toBeGreaterThan(0);
  for (let i = 0; i < 3; i += 1)
    expect(await pool.call('GET', '/keys', { token: null })).toMatchObject({ status: 401 });
  await pool.close();
  const said = stderr.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('/dev/full'));
  stderr.mockRestore();
  expect(said).toEqual([expect.stringMatching(/^mock-hsm: cannot write the log .*ENOSPC.*\n$/)]);
});

test.runIf(existsSync('/proc/self/fd'))('a mock that has closed holds its log no longer', async () => {
  const logFile = join(folder, 'closed.jsonl');
  const pool = new PoolConnection(await startMockHsm({ logFile }));
  await pool.call('GET', '/keys', { token: null });
  const isHeld = () =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === logFile;
      } catch {
        return false;
      }
    });
  expect(isHeld()).toBe(true);
  await pool.close();
  expect(isHeld()).toBe(false);
});

test('a log that cannot be written is one clear error at the start', async () => {
  await expect(startMockHsm({ logFile: join(folder, 'missing', 'log') })).rejects.toThrow(
    /^cannot write the log .*ENOENT/,
  );
});
