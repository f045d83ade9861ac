import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection, role } from '../contract/pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  const limits = {
    headersTimeoutMs: 150,
    requestTimeoutMs: 300,
    timeoutCheckMs: 50,
    tlsHandshakeTimeoutMs: 200,
    connections: 20,
  };
  pool = await PoolConnection.open({ limits, idleTimeoutMs: 100 });
  await pool.assign(role.cryptoUser, '/');
});

afterAll(() => pool.close());

const port = () => Number(new URL(pool.hsm.url).port);

async function open(): Promise<TLSSocket> {
  const socket = connect({ port: port(), host: 'localhost', ca: pool.hsm.caPem });
  await once(socket, 'secureConnect');
  return socket;
}

/** Everything that comes until the other side closes. */
async function untilClosed(socket: NodeJS.ReadableStream): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

const authorization = async () => `Bearer ${await pool.token(pool.hsm.client)}`;

const refused = (status: number, code: string) => ({
  status,
  body: { error: { code, message: expect.stringMatching(/ \(Activity ID: [0-9a-f-]{36}\)$/) } },
});

describe('what is too large is refused', () => {
  test('a body, also in chunks, with 413', async () => {
    const body = `{"kty":"EC-HSM","x":"${'x'.repeat(300_000)}"}`;
    expect(await pool.call('POST', '/keys/k/create', { body })).toMatchObject(refused(413, 'RequestBodyTooLarge'));
    const socket = await open();
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    socket.write(
      `POST /keys/k/create?api-version=7.4 HTTP/1.1\r\nhost: localhost\r\nauthorization: ${await authorization()}\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    socket.write(chunk.repeat(6));
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('but the backup of a whole key may be larger', async () => {
    const value = Buffer.alloc(2_000_000).toString('base64url');
    const answer = await pool.call('POST', '/keys/restore', { body: { value } });
    expect(answer).toMatchObject(refused(400, 'MalformedBackupBlob'));
  });

  test('a target, with 414', async () => {
    expect(await pool.call('GET', `/keys/${'x'.repeat(17_000)}`)).toMatchObject(refused(414, 'RequestUriTooLong'));
  });

  test('headers, by size and by number, with 431', async () => {
    const big = { headers: { 'x-filler': 'x'.repeat(33_000) } };
    expect(await pool.call('GET', '/keys', big)).toMatchObject(refused(431, 'RequestHeadersTooLarge'));
    const headers = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`x-filler-${i}`, 'x']));
    expect(await pool.call('GET', '/keys', { headers })).toMatchObject(refused(431, 'RequestHeadersTooLarge'));
  });
});

describe('who is too slow is cut off', () => {
  test('in the headers and in the body, with 408', async () => {
    const headers = await open();
    headers.write('GET /keys HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
    expect(await untilClosed(headers)).toMatch(/^HTTP\/1\.1 408 .*"code":"RequestTimeout"/s);
    const body = await open();
    body.write(
      `POST /keys/k/create?api-version=7.4 HTTP/1.1\r\nhost: localhost\r\nauthorization: ${await authorization()}\r\ncontent-length: 100\r\n\r\n{"kty":`,
    );
    expect(await untilClosed(body)).toMatch(/^HTTP\/1\.1 408 .*"code":"RequestTimeout"/s);
  });

  test('byte by byte, too', async () => {
    const socket = await open();
    socket.write('GET /keys HTTP/1.1\r\nhost: localhost\r\n');
    const drip = setInterval(() => socket.writable && socket.write('x'), 20);
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
  });

  test('before TLS, and after the last answer, without a word', async () => {
    const silent = connectTcp({ port: port(), host: 'localhost' });
    expect(await untilClosed(silent)).toBe('');
    const idle = await open();
    idle.write('GET /mock/metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await untilClosed(idle)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

test('connections beyond the bound are closed, and the others go on', async () => {
  const sockets = Array.from({ length: 30 }, () => connectTcp({ port: port(), host: 'localhost' }));
  const closed = await Promise.race(sockets.map((socket) => untilClosed(socket)));
  expect(closed).toBe('');
  for (const socket of sockets) socket.destroy();
  expect(await pool.call('GET', '/keys')).toMatchObject({ status: 200 });
});

test('a method that a path has not is refused with those it has', async () => {
  expect(await pool.call('POST', '/keys')).toMatchObject({
    ...refused(405, 'MethodNotAllowed'),
    headers: { allow: 'GET' },
  });
  expect(await pool.call('PUT', '/keys/k/create')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
});

test('what is not HTTP is refused in the form of the service', async () => {
  const socket = await open();
  socket.write('HELLO\r\n\r\n');
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 400 .*\{"error":\{"code":"BadRequest","message":"/s);
});

test('a client that says nothing does not keep the mock from closing', async () => {
  const other = await PoolConnection.open();
  const silent = connectTcp({ port: Number(new URL(other.hsm.url).port), host: 'localhost' });
  await once(silent, 'connect');
  const ended = untilClosed(silent);
  await other.close();
  expect(await ended).toBe('');
});
