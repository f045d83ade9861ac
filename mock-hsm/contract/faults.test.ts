// @module-tag faults
// Faults as a client sees them, over its own sockets.
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type MockHsm, startMockHsm } from '../start.ts';
import type { FaultRequest } from '../traffic/fault-model.ts';
import type { RequestEntry } from '../traffic/request-log.ts';
import { PoolConnection, role } from './pool-connection.ts';

let hsm: MockHsm;
let pool: PoolConnection;
const sockets: Socket[] = [];

beforeAll(async () => {
  hsm = await startMockHsm();
  pool = new PoolConnection(hsm);
  await pool.assign(role.cryptoUser, '/keys');
  await pool.call('POST', '/keys/spoilt/create', { body: { kty: 'EC-HSM' } });
});

beforeEach(() => pool.call('DELETE', '/mock/faults', { token: null }));

afterAll(async () => {
  // Connections that got no answer do not keep the mock from stopping.
  await pool.close();
  for (const socket of sockets) socket.destroy();
});

async function fault(request: FaultRequest): Promise<void> {
  expect(await pool.call('POST', '/mock/faults', { token: null, body: request })).toMatchObject({ status: 201 });
}

const log = async (): Promise<RequestEntry[]> =>
  (await pool.call<RequestEntry[]>('GET', '/mock/requests', { token: null })).body;

/** One connection, seen from below TLS: what arrives, and how it ends. */
class RawClient {
  text = '';
  pieces = 0;
  readonly tcp: Socket;
  /** `fin` or `reset`, or the error of the handshake. */
  readonly ended: Promise<string>;
  readonly #waiting: (() => void)[] = [];
  readonly #tls;

  constructor() {
    this.tcp = connect(hsm.port, '127.0.0.1');
    sockets.push(this.tcp);
    // A stream of its own between both: TLS on the socket itself would hide how TCP ends.
    const socket = Duplex.from({ readable: this.tcp, writable: this.tcp });
    socket.on('error', () => {});
    this.#tls = connectTls({ socket, ca: hsm.caPem, servername: 'localhost' });
    this.#tls.on('data', (bytes: Buffer) => {
      this.text += bytes.toString();
      this.pieces += 1;
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.ended = new Promise((resolve) => {
      this.tcp.once('end', () => resolve('fin'));
      this.tcp.on('error', ({ message }) => resolve(/ECONNRESET/.test(message) ? 'reset' : message));
      this.#tls.on('error', ({ message }) => {
        if (!/ECONNRESET|disconnected/.test(message)) resolve(message);
      });
    });
  }

  get secure(): Promise<void> {
    return new Promise((resolve) => this.#tls.once('secureConnect', resolve));
  }

  async send(method: string, path: string, body = ''): Promise<void> {
    const token = await pool.token(hsm.client);
    this.#tls.write(
      `${method} ${path}?api-version=7.4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }

  /** Waits until the answer is whole. */
  async answered(): Promise<void> {
    while (!this.text.includes('\r\n\r\n') || bodyOf(this).length < promisedLength(this)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** Sends one request on a connection of its own. */
async function exchange(method: string, path: string, body?: string): Promise<RawClient> {
  const client = new RawClient();
  await client.send(method, path, body);
  return client;
}

const get = () => exchange('GET', '/keys/spoilt');

const bodyOf = ({ text }: RawClient) => text.slice(text.indexOf('\r\n\r\n') + 4);

const promisedLength = ({ text }: RawClient) => Number(/content-length: (\d+)/i.exec(text)?.[1]);

const isMade = async (name: string) => (await pool.call('GET', `/keys/${name}`)).status === 200;

describe('a connection is cut', () => {
  test.each([
    [false, 'fin'],
    [true, 'reset'],
  ])('before the request is processed (reset: %s): nothing was done', async (reset, end) => {
    await fault({ operation: 'create', cut: 'before', reset });
    const client = await exchange('POST', `/keys/before-${end}/create`, '{"kty":"EC-HSM"}');
    // A FIN that leaves unread bytes behind becomes a reset on its way.
    expect(await client.ended).toMatch(reset ? /^reset$/ : /^(fin|reset)$/);
    expect(client.text).toBe('');
    expect(await isMade(`before-${end}`)).toBe(false);
  });

  test.each([
    [false, 'fin'],
    [true, 'reset'],
  ])('after it, without an answer (reset: %s): it was done all the same', async (reset, end) => {
    await fault({ operation: 'create', cut: 'processed', reset });
    const client = await exchange('POST', `/keys/processed-${end}/create`, '{"kty":"EC-HSM"}');
    expect(await client.ended).toBe(end);
    expect(client.text).toBe('');
    expect(await isMade(`processed-${end}`)).toBe(true);
  });

  test('half-way through the answer, whose length was promised in full', async () => {
    await fault({ operation: 'get', cut: 'midway' });
    const client = await get();
    expect(await client.ended).toBe('fin');
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(bodyOf(client)).toMatch(/^\{"attributes":/);
    expect(bodyOf(client)).toHaveLength(Math.ceil(promisedLength(client) / 2));
  });

  test('behind the answer, though the client would have kept it', async () => {
    await fault({ operation: 'get', cut: 'after' });
    const client = await get();
    expect(await client.ended).toBe('fin');
    expect(bodyOf(client)).toHaveLength(promisedLength(client));
    expect(client.text).toMatch(/connection: keep-alive/i);
  });

  test('and the log shows it as status 0 with the fault', async () => {
    await fault({ operation: 'get', cut: 'processed' });
    await (await get()).ended;
    expect((await log()).at(-1)).toMatchObject({ operation: 'get', status: 0, fault: 'cut-processed' });
  });
});

test('a silent pool takes the request and never answers, on an open connection', async () => {
  await fault({ operation: 'get', silent: true });
  const client = await get();
  await expect.poll(async () => (await log()).at(-1)).toMatchObject({ operation: 'get', status: 0, fault: 'silent' });
  expect(client.text).toBe('');
  expect(client.tcp.readyState).toBe('open');
});

test('an answer that drips comes whole, in pieces', async () => {
  await fault({ operation: 'get', dripMs: 100 });
  const client = await get();
  await client.answered();
  expect(JSON.parse(bodyOf(client))).toMatchObject({ key: { kty: 'EC-HSM' } });
  expect(bodyOf(client)).toHaveLength(promisedLength(client));
  expect(client.pieces).toBeGreaterThan(2);
});

test('the last request of a connection is answered and says so', async () => {
  await fault({ operation: 'get', lastRequest: true });
  const client = await get();
  expect(await client.ended).toBe('fin');
  expect(client.text).toMatch(/connection: close/i);
  expect(bodyOf(client)).toHaveLength(promisedLength(client));
});

describe('a status', () => {
  const ask = () => pool.call('GET', '/keys/spoilt');

  test.each([400, 404, 418, 429, 500, 502, 503, 599])('%d has the form of the service', async (status) => {
    await fault({ operation: 'get', status });
    const answer = await ask();
    expect(answer).toMatchObject({ status, body: { error: { code: expect.any(String) } } });
    expect(answer.body.error.message).toContain(`(Activity ID: ${answer.headers['x-ms-request-id']})`);
  });

  test('can carry another code', async () => {
    await fault({ operation: 'get', status: 409, code: 'Busy' });
    expect(await ask()).toMatchObject({ status: 409, body: { error: { code: 'Busy' } } });
  });

  test('can be the page of a front end that is not the service', async () => {
    await fault({ operation: 'get', status: 502, body: '<h1>502 Bad Gateway</h1>' });
    expect(await ask()).toMatchObject({
      status: 502,
      body: '<h1>502 Bad Gateway</h1>',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
  });

  test('says when to come back: in seconds, in milliseconds, as a date', async () => {
    await fault({ operation: 'get', status: 429, retryAfterS: 2 });
    await fault({ operation: 'get', status: 429, retryAfterS: 0.25, retryAfterForm: 'ms' });
    await fault({ operation: 'get', status: 429, retryAfterS: 60, retryAfterForm: 'date' });
    expect((await ask()).headers['retry-after']).toBe('2');
    const second = (await ask()).headers;
    expect([second['retry-after'], second['retry-after-ms']]).toEqual([undefined, '250']);
    const atMs = Date.parse(String((await ask()).headers['retry-after']));
    expect(Math.abs(atMs - Date.now() - 60_000)).toBeLessThan(30_000);
  });

  test('befalls one key alone when it names it', async () => {
    await fault({ key: 'SPOILT', status: 500 });
    expect(await pool.call('GET', '/keys/another')).toMatchObject({ status: 404 });
    expect(await ask()).toMatchObject({ status: 500 });
  });
});

describe('a handshake', () => {
  test('is refused with an alert', async () => {
    await fault({ operation: 'handshake', refuse: true });
    expect(await new RawClient().ended).toMatch(/handshake failure/i);
  });

  test.each([
    [false, /^fin$/],
    [true, /^reset$/],
  ])('is cut (reset: %s)', async (reset, end) => {
    await fault({ operation: 'handshake', cut: 'before', reset });
    const tcp = connect(hsm.port, '127.0.0.1');
    sockets.push(tcp);
    const ended = new Promise((resolve) => {
      tcp.once('end', () => resolve('fin'));
      tcp.once('error', () => resolve('reset'));
      tcp.resume();
    });
    expect(await ended).toMatch(end);
  });

  test('is slow, then goes on', async () => {
    await fault({ operation: 'handshake', delayMs: 500 });
    const secured: string[] = [];
    const client = new RawClient();
    const slow = client.secure.then(() => secured.push('first'));
    await expect.poll(async () => (await pool.call('GET', '/mock/faults', { token: null })).body).toEqual([]);
    await new RawClient().secure.then(() => secured.push('second'));
    await slow;
    expect(secured).toEqual(['second', 'first']);
    await client.send('GET', '/keys/spoilt');
    await client.answered();
  });

  test('never comes, though TCP connects: the next one does', async () => {
    await fault({ operation: 'handshake', silent: true });
    const silent = new RawClient();
    await new Promise((resolve) => silent.tcp.once('connect', resolve));
    await expect.poll(async () => (await pool.call('GET', '/mock/faults', { token: null })).body).toEqual([]);
    await new RawClient().secure;
    expect([silent.text, silent.tcp.readyState]).toEqual(['', 'open']);
  });
});

test('a fault can be taken back by its id', async () => {
  await fault({ operation: 'get', status: 500, times: 'always' });
  const [listed] = (
    await pool.call<{ id: string; left: number | string; struck: number }[]>('GET', '/mock/faults', { token: null })
  ).body;
  const { id, left, struck } = listed ?? {};
  expect({ left, struck }).toEqual({ left: 'always', struck: 0 });
  expect(await pool.call('DELETE', `/mock/faults/${id}`, { token: null })).toMatchObject({ status: 200, body: [] });
  expect(await pool.call('DELETE', `/mock/faults/${id}`, { token: null })).toMatchObject({ status: 404 });
  expect(await pool.call('GET', '/keys/spoilt')).toMatchObject({ status: 200 });
});

test('metrics count what struck', async () => {
  await fault({ operation: 'get', status: 500, delayMs: 1 });
  await get();
  const metrics = async () => String((await pool.call('GET', '/mock/metrics', { token: null })).body);
  await expect.poll(metrics).toMatch(/^mock_hsm_faults_total\{operation="get",kind="delay\+status"\} [1-9]/m);
});
