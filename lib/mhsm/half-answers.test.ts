import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfiguration } from '../config/parse.ts';
import { NoAnswer } from './no-answer.ts';
import { selfSigned } from './scripted-service.ts';
import { Transport } from './transport.ts';

/** What is written for a request, byte by byte as it stands, and what becomes of the connection. */
interface Written {
  readonly bytes: string;
  readonly after: 'end' | 'destroy' | 'stay';
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const whole: Written = { bytes: `${HEAD}content-length: 2\r\n\r\n{}`, after: 'stay' };

const { key, cert } = selfSigned();

let server: Server;
let transport: Transport;
let requests: number;
let connections: number;
let script: (nth: number) => Written;

function answer(socket: TLSSocket): void {
  const { bytes, after } = script(++requests);
  socket.write(bytes, () => {
    if (after === 'end') socket.end();
    if (after === 'destroy') socket.destroy();
  });
}

beforeEach(async () => {
  requests = 0;
  connections = 0;
  server = createTlsServer({ key, cert }, (socket) => {
    connections++;
    socket.on('error', () => undefined);
    // A request fits into one chunk here.
    socket.on('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const text = JSON.stringify({ tokens: [{ slotid: 0, baseUrl: url }], ConnectionCache: { MaxConnections: 1 } });
  const { configuration } = parseConfiguration(text, 'f');
  transport = new Transport({ url, caPem: cert, random: () => 0 }, configuration);
});

afterEach(async () => {
  await transport.close();
  server.close();
});

const ask = (repeatable: boolean, deadlineMs = 10_000) =>
  transport.request({ method: 'POST', path: '/', body: '{}', repeatable, deadlineMs }).then(
    ({ body }) => body,
    (error: NoAnswer) => error,
  );

const CUT: readonly (readonly [string, Written])[] = [
  ['before anything', { bytes: '', after: 'end' }],
  ['without a farewell', { bytes: '', after: 'destroy' }],
  ['in the status line', { bytes: 'HTTP/1.1 20', after: 'end' }],
  ['in the headers', { bytes: `${HEAD}content-le`, after: 'destroy' }],
  ['before the body', { bytes: `${HEAD}content-length: 2\r\n\r\n`, after: 'end' }],
  ['in the body', { bytes: `${HEAD}content-length: 20\r\n\r\n{"value":"A`, after: 'end' }],
  ['in the body, without a farewell', { bytes: `${HEAD}content-length: 20\r\n\r\n{"value":"A`, after: 'destroy' }],
  ['in a chunk', { bytes: `${HEAD}transfer-encoding: chunked\r\n\r\n8\r\n{"va`, after: 'end' }],
  ['between chunks', { bytes: `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`, after: 'end' }],
  ['after an interim answer', { bytes: 'HTTP/1.1 100 Continue\r\n\r\n', after: 'end' }],
];

describe.each(CUT)('an answer that is cut %s', (_where, cut) => {
  test('is asked for again on a new connection where that may be', async () => {
    script = (nth) => (nth === 1 ? cut : whole);
    expect(await ask(true)).toBe('{}');
    expect([requests, connections]).toEqual([2, 2]);
  });

  test('is told where that may not be: it may have been done', async () => {
    script = (nth) => (nth === 1 ? cut : whole);
    expect(await ask(false)).toMatchObject({ reason: 'network', sent: true });
    expect(requests).toBe(1);
    expect(await ask(false)).toBe('{}');
  });
});

describe('what is not HTTP', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a length that is none', `${HEAD}content-length: two\r\n\r\n{}`],
    ['two lengths', `${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    ['a chunk without a size', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n{}`],
  ])('%s is told at once, and the next request has a new connection', async (_what, bytes) => {
    script = (nth) => (nth === 1 ? { bytes, after: 'stay' } : whole);
    expect(await ask(true)).toBeInstanceOf(NoAnswer);
    expect(requests).toBe(1);
    expect(await ask(true)).toBe('{}');
    expect(connections).toBe(2);
  });

  test('headers without an end are cut off', async () => {
    script = (nth) => (nth === 1 ? { bytes: `${HEAD}x: ${'y'.repeat(100_000)}`, after: 'stay' } : whole);
    expect(await ask(true)).toBeInstanceOf(NoAnswer);
    expect(await ask(true)).toBe('{}');
  });
});

test('what comes behind an answer is never the answer to the next request', async () => {
  const other = `${HEAD}content-length: 13\r\n\r\n{"value":"no"}`;
  script = (nth) => (nth === 1 ? { bytes: `${whole.bytes}${other}`, after: 'stay' } : whole);
  expect(await ask(true)).toBe('{}');
  expect(await ask(true)).toBe('{}');
});

test('a body longer than its length ends where the length says', async () => {
  script = (nth) => (nth === 1 ? { bytes: `${HEAD}content-length: 2\r\n\r\n{}{"value":"no"}`, after: 'stay' } : whole);
  expect(await ask(true)).toBe('{}');
  expect(await ask(true)).toBe('{}');
});

test.each([
  ['nothing', ''],
  ['half of the headers', `${HEAD}content-le`],
  ['half of the body', `${HEAD}content-length: 20\r\n\r\n{"value":"A`],
  ['a chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`],
])('an answer of which %s comes ends at the deadline, and its connection with it', async (_what, bytes) => {
  script = (nth) => (nth === 1 ? { bytes, after: 'stay' } : whole);
  expect(await ask(true, 300)).toMatchObject({ reason: 'answer', sent: true });
  expect(await ask(true)).toBe('{}');
  expect(connections).toBe(2);
});

test('an answer that trickles for ever ends at the deadline', async () => {
  let trickle: NodeJS.Timeout | undefined;
  script = () => ({ bytes: `${HEAD}content-length: 1000000\r\n\r\n{`, after: 'stay' });
  server.on('secureConnection', (socket) => {
    trickle = setInterval(() => socket.write(' '), 5);
    socket.on('close', () => clearInterval(trickle));
  });
  expect(await ask(true, 300)).toMatchObject({ reason: 'answer', sent: true });
});
