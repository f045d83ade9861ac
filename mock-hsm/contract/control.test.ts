// @module-tag faults
// What can be changed of a mock that serves: clock, tokens, connections, certificate, activation.

import { createServer } from 'node:net';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MockHsm, startMockHsm } from '../start.ts';
import type { SwitchBody } from './answer-body.ts';
import { credentialsForm, PoolConnection, role } from './pool-connection.ts';

let hsm: MockHsm;
let pool: PoolConnection;

beforeAll(async () => {
  hsm = await startMockHsm();
  pool = new PoolConnection(hsm);
  await pool.assign(role.cryptoUser, '/keys');
  await pool.call('POST', '/keys/ruled/create', { body: { kty: 'EC-HSM' } });
});

afterAll(() => pool.close());

const control = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
  pool.call<SwitchBody>(method, `/mock/${path}`, { token: null, body });

const get = (token?: string) => pool.call('GET', '/keys/ruled', token === undefined ? {} : { token });

async function newToken(): Promise<string> {
  const { clientId, clientSecret } = hsm.client;
  return (await pool.askToken(credentialsForm(clientId, clientSecret))).body.access_token;
}

describe('the clock', () => {
  beforeEach(() => control('DELETE', 'clock'));
  afterAll(() => control('DELETE', 'clock'));

  test('stands still when frozen, moves when told, and goes on from there', async () => {
    const { now } = (await control('POST', 'clock', { set: '2031-02-03T04:05:06Z', freeze: true })).body;
    expect(now).toBe('2031-02-03T04:05:06.000Z');
    expect((await control('GET', 'clock')).body).toMatchObject({ now, frozen: true });
    expect((await control('POST', 'clock', { advance: '1h' })).body).toMatchObject({ now: '2031-02-03T05:05:06.000Z' });
    expect((await control('POST', 'clock', { run: true })).body).toMatchObject({ frozen: false });
  });

  test('ends tokens when it passes their expiry', async () => {
    const token = await newToken();
    expect(await get(token)).toMatchObject({ status: 200 });
    await control('POST', 'clock', { advance: '3599s' });
    expect(await get(token)).toMatchObject({ status: 200 });
    await control('POST', 'clock', { advance: '2s' });
    expect(await get(token)).toMatchObject({ status: 401 });
  });

  test.each([{}, { advance: 'soon' }, { freeze: true, run: true }])('%j is refused', async (body) => {
    expect(await control('POST', 'clock', body)).toMatchObject({ status: 400 });
  });
});

describe('tokens', () => {
  test('are revoked at once, and new ones hold', async () => {
    const before = await newToken();
    await control('POST', 'tokens', { revoke: true });
    const after = await newToken();
    expect(await get(before)).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.any(String) } });
    expect(await get(after)).toMatchObject({ status: 200 });
  });

  test('live as long as they are told', async () => {
    const { lifetimeS } = (await control('GET', 'tokens')).body;
    await control('POST', 'tokens', { lifetimeS: 77 });
    const { clientId, clientSecret } = hsm.client;
    expect((await pool.askToken(credentialsForm(clientId, clientSecret))).body.expires_in).toBe(77);
    await control('POST', 'tokens', { lifetimeS });
  });
});

describe('a pool that is not activated', () => {
  test('refuses keys until it is', async () => {
    await control('POST', 'activation', { activated: false });
    expect(await get(await newToken())).toMatchObject({ status: 403 });
    expect((await control('POST', 'activation', { activated: true })).body).toEqual({ activated: true });
    expect(await get(await newToken())).toMatchObject({ status: 200 });
  });
});

/** One TLS connection with `count` requests, one after another: the heads of the answers, and how it ended. */
async function conversation(count: number): Promise<{ heads: string[]; ended: boolean }> {
  const socket = connectTls({ port: hsm.port, host: '127.0.0.1', servername: 'localhost', ca: hsm.caPem });
  const heads: string[] = [];
  const ended = new Promise<boolean>((resolve) => socket.once('end', () => resolve(true)));
  for (let i = 0; i < count; i += 1) {
    socket.write('GET /mock/clock HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const answer = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
    heads.push(answer.split('\r\n\r\n', 1)[0] ?? '');
  }
  const result = { heads, ended: await ended };
  socket.destroy();
  return result;
}

describe('connections', () => {
  afterAll(() => control('POST', 'connections', { idleTimeoutMs: 600_000, maxRequests: 0 }));

  test('end after so many requests, which the last answer says', async () => {
    await control('POST', 'connections', { maxRequests: 3 });
    const { heads, ended } = await conversation(3);
    expect(heads.map((head) => /^connection: (.*)$/im.exec(head)?.[1])).toEqual(['keep-alive', 'keep-alive', 'close']);
    expect(ended).toBe(true);
  });

  test('end when they were idle for so long', async () => {
    await control('POST', 'connections', { maxRequests: 0, idleTimeoutMs: 10 });
    expect(await conversation(1)).toMatchObject({ ended: true });
  });
});

/** A handshake that trusts `ca` as a client of `localhost` does: the certificate, or why not. */
function handshake(ca: string, port = hsm.port): Promise<PeerCertificate | string> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('the certificate', () => {
  test('changes while the mock serves, and open connections go on', async () => {
    const before = (await control('GET', 'certificate')).body;
    expect(await handshake(hsm.caPem)).toMatchObject({ fingerprint256: before.fingerprint256 });
    const renewed = (await control('POST', 'certificate', { kind: 'renewed' })).body;
    expect(renewed.fingerprint256).not.toBe(before.fingerprint256);
    expect(await handshake(hsm.caPem)).toMatchObject({ fingerprint256: renewed.fingerprint256 });
    expect(await get(await newToken())).toMatchObject({ status: 200 });
  });

  test.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['notYetValid', 'CERT_NOT_YET_VALID'],
    ['wrongName', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('can be %s', async (kind, code) => {
    await control('POST', 'certificate', { kind });
    expect(await handshake(hsm.caPem)).toBe(code);
    await control('POST', 'certificate', { kind: 'renewed' });
    expect(await handshake(hsm.caPem)).toHaveProperty('fingerprint256');
  });

  test('can come from another CA, which only those accept who are told of it', async () => {
    const { caPem } = (await control('POST', 'certificate', { kind: 'newAuthority' })).body;
    expect(await handshake(hsm.caPem)).toMatch(/UNABLE_TO_|SELF_SIGNED/);
    expect(await handshake(caPem)).toHaveProperty('fingerprint256');
    await control('POST', 'certificate', { kind: 'renewed' });
  });
});

describe('an outage', () => {
  test('whose port another process has taken meanwhile ends when it is free', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const other = await startMockHsm();
    const connection = new PoolConnection(other);
    await connection.call('POST', '/mock/outage', { token: null, body: { forMs: 500 } });
    const thief = createServer((socket) => socket.destroy());
    const takes = () => new Promise((resolve) => thief.once('listening', resolve).listen(other.port, '127.0.0.1'));
    await expect.poll(() => handshake(other.caPem, other.port), { interval: 5 }).toBe('ECONNREFUSED');
    await takes();
    const said = () => stderr.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('EADDRINUSE'));
    await expect.poll(said, { timeout: 5000 }).toHaveLength(1);
    await new Promise((resolve) => thief.close(resolve));
    await expect.poll(() => handshake(other.caPem, other.port), { timeout: 5000 }).toHaveProperty('fingerprint256');
    expect(said()).toEqual([expect.stringMatching(/^mock-hsm: cannot listen again .*\n$/)]);
    stderr.mockRestore();
    await connection.close();
  });

  test('refuses connections and cuts open ones, until it is over', async () => {
    expect(await control('POST', 'outage', { forMs: 400 })).toMatchObject({ status: 202 });
    await expect.poll(() => handshake(hsm.caPem), { interval: 5 }).toBe('ECONNREFUSED');
    await expect.poll(() => handshake(hsm.caPem), { timeout: 10_000 }).toHaveProperty('fingerprint256');
    expect(await control('GET', 'clock')).toMatchObject({ status: 200 });
  });
});
