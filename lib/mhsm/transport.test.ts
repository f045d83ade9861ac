import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { parseConfiguration } from '../config/parse.ts';
import { NoAnswer } from './no-answer.ts';
import { ScriptedService } from './scripted-service.ts';
import { Transport } from './transport.ts';

function wire(socket: Socket, port: number): void {
  const other = connect(port, 'localhost').on('error', () => undefined);
  socket.pipe(other).pipe(socket);
}

/** A host that takes connections and never says a word: what a firewall that drops looks like from here. */
class SilentHost {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number | undefined;
  connections = 0;

  constructor() {
    this.#server = createServer((socket) => {
      this.connections++;
      this.#sockets.add(socket.on('error', () => undefined));
      if (this.#target !== undefined) wire(socket, this.#target);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Says everything after all: from now on the host is a wire to another port. */
  wireTo(port: number): void {
    this.#target = port;
    for (const socket of this.#sockets) wire(socket, port);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function silent(MaxConnections: number, requestMs: number, options: object = {}) {
  const host = new SilentHost();
  closers.push(() => host.close());
  const url = await host.listen();
  const text = JSON.stringify({
    tokens: [{ slotid: 0, baseUrl: url }],
    ConnectionCache: { MaxConnections },
    timeouts: { requestMs },
    options,
  });
  const transport = new Transport(
    { url, caPem: undefined, random: () => 0 },
    parseConfiguration(text, 'f').configuration,
  );
  closers.push(() => transport.close());
  const request = (deadlineMs = requestMs): Promise<NoAnswer> =>
    transport.request({ method: 'GET', path: '/', repeatable: true, deadlineMs }).then(
      () => expect.fail('it answered'),
      (error: NoAnswer) => error,
    );
  return { host, transport, request };
}

test('a request ends at its deadline, whether it waits for its turn or for a connection', async () => {
  const { request, transport } = await silent(1, 5000);
  const outcomes = await Promise.all([request(150), request(150), request(150)]);
  expect(outcomes.map(({ reason }) => reason)).toEqual(['connect', 'queue', 'queue']);
  expect(transport.stats.queued).toBe(0);
});

test('when connecting hangs, all who wait learn it, and who comes next learns it at once', async () => {
  const { host, request } = await silent(2, 300);
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => request(60_000)));
  expect(outcomes).toEqual(Array.from({ length: 10 }, () => expect.any(NoAnswer)));
  // Who waited did not try on its own.
  expect(host.connections).toBe(2);
  expect(await request(60_000)).toMatchObject({ reason: 'network', sent: false });
  expect(host.connections).toBe(2);
});

test('too many who wait are turned away', async () => {
  const { request } = await silent(1, 200);
  const outcomes = await Promise.all(Array.from({ length: 102 }, () => request()));
  expect(outcomes.filter(({ reason }) => reason === 'crowded')).toHaveLength(1);
});

test('a port where nobody listens is told at once, each time', async () => {
  const { host, request } = await silent(1, 10_000);
  host.close();
  for (let i = 0; i < 3; i++) expect(await request()).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});

test('who waits when the library closes is told', async () => {
  const { request, transport } = await silent(1, 10_000);
  const waiting = Promise.all([request(), request()]);
  await transport.close();
  expect(await waiting).toEqual([expect.any(NoAnswer), expect.any(NoAnswer)]);
});

test('what nobody waits for any more is not sent when the connection comes after all', async () => {
  const service = await ScriptedService.start();
  closers.push(() => service.stop());
  const { host, request, transport } = await silent(1, 10_000, { DisableTLSAuthentication: true });
  let asked = 0;
  service.challengeScript = () => {
    asked++;
    return service.challenge();
  };
  expect(await request(100)).toMatchObject({ reason: 'connect', sent: false });
  host.wireTo(Number(new URL(service.url).port));
  // The place in the queue is free again once undici is done with the one before.
  await transport.request({ method: 'GET', path: '/', repeatable: true, deadlineMs: 10_000 });
  expect(asked).toBe(1);
});
