// What no HTTP library would send: bytes on the connection that are wrong below the level of requests.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PoolConnection, role } from '../contract/pool-connection.ts';

let pool: PoolConnection;
let authorization: string;

beforeAll(async () => {
  const limits = { headersTimeoutMs: 200, requestTimeoutMs: 300, timeoutCheckMs: 50, tlsHandshakeTimeoutMs: 300 };
  pool = await PoolConnection.open({ limits });
  await pool.assign(role.cryptoUser, '/');
  await pool.call('POST', '/keys/k/create', { body: { kty: 'EC-HSM' } });
  authorization = `authorization: Bearer ${await pool.token(pool.hsm.client)}`;
});

afterAll(() => pool.close());

const address = () => ({ port: Number(new URL(pool.hsm.url).port), host: 'localhost', ca: pool.hsm.caPem });

const value = Buffer.alloc(32).toString('base64url');
const body = JSON.stringify({ alg: 'ES256', value });
const line = 'POST /keys/k/sign?api-version=7.4 HTTP/1.1';
const length = `content-length: ${body.length}`;
const request = (first: string, headers: readonly string[], content = '') =>
  `${[first, ...headers].join('\r\n')}\r\n\r\n${content}`;
const right = () => request(line, ['host: localhost', authorization, length], body);

/** Sends bytes and gives all that came back until either side closed, or nothing came for a while. */
async function exchange(bytes: string | Uint8Array, half = false): Promise<string> {
  const socket: TLSSocket = connect(address());
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  await once(socket, 'secureConnect');
  socket.write(bytes);
  if (half) socket.end();
  const closed = once(socket, 'close');
  const quiet = new Promise((resolve) => {
    let timer = setTimeout(resolve, 900);
    socket.on('data', () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, 250);
    });
  });
  await Promise.race([closed, quiet]);
  socket.destroy();
  return received;
}

const statuses = (received: string) => [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

async function assertSigns(): Promise<void> {
  expect(await pool.call('POST', '/keys/k/sign', { body })).toMatchObject({ status: 200 });
}

test.each<[string, () => string | Uint8Array, readonly number[]]>([
  ['a right request', right, [200]],
  ['three in one piece', () => right() + right() + right(), [200, 200, 200]],
  // The parser is ahead of the answers.
  ['a right one and garbage', () => `${right()}GARBAGE\r\n\r\n`, [400]],
  ['HTTP/1.0', () => request('GET /keys?api-version=7.4 HTTP/1.0', [authorization]), [200]],
  [
    'HTTP/1.0 with a Host',
    () => request('GET /keys?api-version=7.4 HTTP/1.0', [authorization, 'host: localhost']),
    [200],
  ],
  ['HTTP/1.1 without Host', () => request(line, [authorization, length], body), [400]],
  ['two Hosts', () => request(line, ['host: localhost', 'host: other', authorization, length], body), [200]],
  ['an empty Host', () => request(line, ['host:', authorization, length], body), [200]],
  ['a Host that is none', () => request(line, ['host: a b/c?@[', authorization, length], body), [200]],
  ['HTTP/2.0 in words', () => request('GET /keys HTTP/2.0', ['host: localhost']), [401]],
  ['HTTP/9.9', () => request('GET /keys HTTP/9.9', ['host: localhost']), [400]],
  ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  [
    'an absolute URL',
    () => request('GET https://localhost/keys?api-version=7.4 HTTP/1.1', ['host: localhost', authorization]),
    [200],
  ],
  ['OPTIONS *', () => request('OPTIONS * HTTP/1.1', ['host: localhost', authorization]), [400]],
  ['no target', () => request('GET HTTP/1.1', ['host: localhost']), [400]],
  ['a target with a space', () => request('GET /keys/a b HTTP/1.1', ['host: localhost']), [400]],
  ['a target that is no path', () => request('GET keys HTTP/1.1', ['host: localhost']), [400]],
  ['an unknown method', () => request('SIGN /keys/k HTTP/1.1', ['host: localhost']), [400]],
  ['CONNECT', () => request('CONNECT localhost:443 HTTP/1.1', ['host: localhost']), [405]],
  [
    '100-continue',
    () => request(line, ['host: localhost', authorization, length, 'expect: 100-continue'], body),
    [100, 200],
  ],
  [
    'another expectation',
    () => request(line, ['host: localhost', authorization, length, 'expect: miracles'], body),
    [417],
  ],
  [
    'an upgrade',
    () => request(line, ['host: localhost', authorization, length, 'connection: upgrade', 'upgrade: websocket'], body),
    [200],
  ],
  ['two lengths', () => request(line, ['host: localhost', authorization, length, 'content-length: 3'], body), [400]],
  [
    'a length that is no number',
    () => request(line, ['host: localhost', authorization, 'content-length: 1e3'], body),
    [400],
  ],
  ['a negative length', () => request(line, ['host: localhost', authorization, 'content-length: -1'], body), [400]],
  [
    'a length beyond all bounds',
    () => request(line, ['host: localhost', authorization, 'content-length: 99999999999999999999'], body),
    [400],
  ],
  [
    'a length that is too long',
    () => request(line, ['host: localhost', authorization, 'content-length: 900'], body),
    [408],
  ],
  [
    'a length that is too short',
    () => request(line, ['host: localhost', authorization, 'content-length: 5'], body),
    [400],
  ],
  [
    'length and chunks',
    () => request(line, ['host: localhost', authorization, length, 'transfer-encoding: chunked'], body),
    [400],
  ],
  [
    'chunks',
    () =>
      request(
        line,
        ['host: localhost', authorization, 'transfer-encoding: chunked'],
        `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      ),
    [200],
  ],
  [
    'chunks that are none',
    () => request(line, ['host: localhost', authorization, 'transfer-encoding: chunked'], body),
    [400],
  ],
  [
    'chunks that end early',
    () => request(line, ['host: localhost', authorization, 'transfer-encoding: chunked'], 'ff\r\nabc'),
    [408],
  ],
  ['another coding', () => request(line, ['host: localhost', authorization, 'transfer-encoding: gzip'], body), [400]],
  ['a header without a name', () => request(line, ['host: localhost', ': x', length], body), [400]],
  ['a header with a NUL', () => request(line, ['host: localhost', 'x-a: \0', length], body), [400]],
  ['a folded header', () => request(line, ['host: localhost', 'x-a: b\r\n c', length], body), [400]],
  [
    'two authorizations',
    () => request(line, ['host: localhost', 'authorization: Basic x', authorization, length], body),
    [401],
  ],
  ['bare line feeds', () => 'GET /keys HTTP/1.1\nhost: localhost\n\n', [400]],
  [
    'a body that is not UTF-8',
    () => Buffer.from(request(line, ['host: localhost', authorization, 'content-length: 4'], '"\xff\xfe"'), 'latin1'),
    [400],
  ],
])('%s is answered as it should be, and it goes on signing', async (_what, bytes, expected) => {
  const received = await exchange(bytes());
  expect(statuses(received)).toEqual(expected);
  for (const answer of received.split(/(?=HTTP\/1\.1 \d{3} )/)) {
    if (/^HTTP\/1\.1 4(?!01)/.test(answer))
      expect(answer).toMatch(/\r\n\r\n\{"error":\{"code":"\w+",.*\(Activity ID: /);
  }
  expect(received).not.toMatch(/\n\s+at |node:internal/);
  await assertSigns();
});

test('a client that leaves in the middle of anything does no harm', async () => {
  const whole = right();
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length), async (cut) => {
      const socket = connect(address());
      socket.on('error', () => {});
      await once(socket, 'secureConnect');
      await new Promise((resolve) => socket.write(whole.slice(0, cut), resolve));
      socket.destroy();
    }),
    { numRuns: 50, seed: 1 },
  );
  await assertSigns();
});

test('random bytes, as HTTP and as TLS, do no harm', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.boolean(), async (bytes, encrypted) => {
      if (encrypted) {
        const received = await exchange(bytes, true);
        expect(statuses(received).filter((status) => status >= 500)).toEqual([]);
        return;
      }
      const socket = connectTcp(address());
      socket.on('error', () => {}).resume();
      socket.end(bytes);
      await once(socket, 'close');
    }),
    { numRuns: 40, seed: 1 },
  );
  await assertSigns();
});

test('one byte of a right request changed gives an answer below 500, or none', async () => {
  const whole = Buffer.from(right());
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (place, byte) => {
      const changed = Buffer.from(whole);
      changed[place] = byte;
      const received = await exchange(changed, true);
      expect(statuses(received).filter((status) => status >= 500)).toEqual([]);
    }),
    { numRuns: 60, seed: 1 },
  );
  await assertSigns();
});
