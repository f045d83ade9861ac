import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED, CKR_KEY_HANDLE_INVALID, CKR_OK } from '../pkcs11/constants.ts';
import { BufferTooSmall, Pkcs11Error } from '../pkcs11/error.ts';
import { decodeResponse, encodeRequest, FrameSplitter, type Response } from '../wire/codec.ts';
import { type CallName, MAX_FRAME_BYTES, PROTOCOL_VERSION, type RequestOf } from '../wire/schema.ts';
import { Clients } from './clients.ts';
import { Connection, type Host, type ServedCalls } from './connection.ts';
import { createReports } from './report.ts';
import { issueTicket } from './ticket.ts';

const ticketKey = randomBytes(32);
const peer = { pid: 100, uid: 33, gid: 33 };
const admitted: RequestOf<'hello'> = {
  protocol: PROTOCOL_VERSION,
  instance: randomBytes(16),
  ticket: issueTicket(ticketKey),
  fresh: false,
  configuration: [],
};

let drawn = 0;
/** Sessions in which a digest was begun. */
const digesting = new Set<number>();

/** The few calls that these tests make; the rest is not there, as no test may reach it. */
const calls = {
  getSlotList: () => ({ slots: [0, 7] }),
  sign: ({ signature }: RequestOf<'sign'>) => {
    if (signature !== null && signature < 64) throw new BufferTooSmall(64);
    return Promise.resolve({ signature: { length: 64, bytes: signature === null ? null : new Uint8Array(64) } });
  },
  generateRandom: ({ length }: RequestOf<'generateRandom'>) => {
    drawn++;
    return { bytes: new Uint8Array(length) };
  },
  signInit: () => Promise.reject(new Pkcs11Error(CKR_KEY_HANDLE_INVALID, 'no key 7')),
  logout: () =>
    new Promise((resolve) => {
      endLogout = () => resolve({});
    }),
  findObjectsInit: () =>
    new Promise((resolve) => {
      endListing = () => resolve({});
    }),
  login: () => {
    throw new Pkcs11Error(CKR_DEVICE_ERROR, 'the HSM is away', { hint: 'bring it back' });
  },
  digestInit: ({ session }: RequestOf<'digestInit'>) => {
    digesting.add(session);
    return {};
  },
  digestFinal: ({ session }: RequestOf<'digestFinal'>) => {
    digesting.delete(session);
    return { digest: { length: 32, bytes: new Uint8Array(32) } };
  },
  operations: { has: (session: number) => digesting.has(session) },
} as unknown as ServedCalls;

let folder: string;
let server: Server;
let lines: string[];
let clients: Clients<ServedCalls>;
let handsOver: boolean;
let connections: Connection[];
let retires: boolean;
let shown: string[];
/** Lets a C_Logout that is under way end. */
let endLogout: (() => void) | undefined;
/** Lets a C_FindObjectsInit that is under way end. */
let endListing: (() => void) | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-connection-'));
  lines = [];
  drawn = 0;
  digesting.clear();
  handsOver = false;
  clients = new Clients<ServedCalls>(() => calls);
  const host: Host = {
    policy: { uids: new Set([1000]), observers: new Set(), ticketKey },
    configurationFile: '/etc/mhsm-pkcs11.conf',
    deadlineMs: 10_000,
    slowDeadlineMs: 60_000,
    reportToCaller: createReports({ error: (line) => lines.push(line), debug: () => undefined }, () => 0).to,
    closes: (_peer, why) => lines.push(why),
    answered: () => undefined,
    retires: () => retires,
    showStatus: (socket, _peer, first) => {
      shown.push(first.toString());
      socket.end();
    },
    join: (instance, from) => clients.join(instance, from),
    handsOver: () => handsOver,
  };
  connections = [];
  retires = false;
  shown = [];
  server = createServer({ allowHalfOpen: true }, (socket) => connections.push(new Connection(socket, peer, host)));
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

class Caller {
  readonly #socket: Socket = connect(join(folder, 'socket'));
  readonly #splitter = new FrameSplitter();
  readonly #bodies: Buffer[] = [];
  #wake = () => {};
  closed = false;

  constructor() {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#bodies.push(...this.#splitter.push(chunk));
      this.#wake();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  stopReading(): void {
    this.#socket.pause();
  }

  async answer<C extends CallName>(call: C): Promise<Response<C> | undefined> {
    while (this.#bodies.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const body = this.#bodies.shift();
    return body && decodeResponse(call, body);
  }

  async call<C extends CallName>(call: C, fields: RequestOf<C>): Promise<Response<C> | undefined> {
    this.send(encodeRequest(call, fields));
    return this.answer(call);
  }

  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }

  end(): void {
    this.#socket.destroy();
  }
}

async function greeted(): Promise<Caller> {
  const caller = new Caller();
  await caller.call('hello', admitted);
  return caller;
}

test('an admitted peer keeps its ticket and makes calls', async () => {
  const caller = new Caller();
  const hello = await caller.call('hello', admitted);
  expect(hello).toMatchObject({ rv: CKR_OK, fields: { again: false, known: false, deadlineMs: 10_000 } });
  expect(hello?.fields?.ticket).toEqual(new Uint8Array(admitted.ticket ?? []));
  expect(await caller.call('getSlotList', { tokenPresent: false })).toMatchObject({ fields: { slots: [0, 7] } });
  caller.end();
});

test('a second connection of the same instance is known', async () => {
  const first = await greeted();
  const second = new Caller();
  expect(await second.call('hello', admitted)).toMatchObject({ fields: { known: true } });
  first.end();
  second.end();
});

test('the application ends with the last connection', async () => {
  const caller = await greeted();
  expect(clients.size).toBe(1);
  caller.end();
  await caller.untilClosed();
  while (clients.size > 0) await new Promise(setImmediate);
});

test('a peer without a ticket is refused with a hint, and its connection closed', async () => {
  const caller = new Caller();
  // Nor does it choose what the log says: its version is not looked at.
  const refusal = await caller.call('hello', { ...admitted, ticket: null, protocol: 99 });
  expect(refusal).toMatchObject({ rv: CKR_FUNCTION_FAILED, fields: null });
  expect(refusal?.message).toMatch(/user id 33 is not admitted.*allowedUsers in \/etc\/mhsm-pkcs11\.conf/);
  await caller.untilClosed();
});

test('a user who is not admitted hears so once a second, whatever its processes call themselves', async () => {
  const refused = { ...admitted, ticket: null };
  const messages = [];
  for (let i = 0; i < 3; i++) {
    const refusal = await new Caller().call('hello', { ...refused, instance: randomBytes(16) });
    messages.push(refusal?.message);
  }
  expect(messages).toEqual([expect.stringMatching(/user id 33 is not admitted/), '', '']);
});

test('a module of another protocol version hears so', async () => {
  const caller = new Caller();
  const refusal = await caller.call('hello', { ...admitted, protocol: 99 });
  expect(refusal?.message).toMatch(/speaks protocol 99, this agent 2.*restart the server/);
});

test('a fresh process is sent to the successor when the configuration changed, an older one is served', async () => {
  handsOver = true;
  const fresh = new Caller();
  expect(await fresh.call('hello', { ...admitted, fresh: true })).toMatchObject({
    rv: CKR_OK,
    fields: { again: true },
  });
  await fresh.untilClosed();
  const worker = new Caller();
  expect(await worker.call('hello', admitted)).toMatchObject({ fields: { again: false } });
  worker.end();
});

test('an error for the operator travels with its sentence, one for the program without', async () => {
  const caller = await greeted();
  const operator = await caller.call('login', { session: 1, userType: 1, pin: null });
  expect(operator).toMatchObject({
    rv: CKR_DEVICE_ERROR,
    message: expect.stringMatching(/the HSM is away; hint: bring it back/),
  });
  const program = await caller.call('signInit', { session: 1, mechanism: { type: 1, parameter: null }, key: 7 });
  expect(program).toEqual({ rv: CKR_KEY_HANDLE_INVALID, message: '', fields: null });
  caller.end();
});

test('each process hears its reason, the same one once a second on all its connections; the log has it once', async () => {
  const login = { session: 1, userType: 1, pin: null };
  const other = new Caller();
  await other.call('hello', { ...admitted, instance: randomBytes(16) });
  const [first, second] = [await greeted(), await greeted()];
  for (const caller of [first, other]) {
    expect((await caller.call('login', login))?.message).toMatch(/the HSM is away/);
  }
  for (const caller of [first, second]) {
    expect(await caller.call('login', login)).toMatchObject({ rv: CKR_DEVICE_ERROR, message: '' });
  }
  expect(lines.filter((line) => line.includes('the HSM is away'))).toHaveLength(1);
  for (const caller of [first, second, other]) caller.end();
});

test('a process that is refused hears why once, however often it comes', async () => {
  const messages: (string | undefined)[] = [];
  for (let time = 0; time < 2; time++) {
    const caller = new Caller();
    messages.push((await caller.call('hello', { ...admitted, ticket: null }))?.message);
    await caller.untilClosed();
  }
  expect(messages).toEqual([expect.stringMatching(/not admitted/), '']);
});

test('a buffer that is too small is answered with the length that is needed', async () => {
  const caller = await greeted();
  const answer = await caller.call('sign', { session: 1, data: new Uint8Array(32), signature: 10 });
  expect(answer).toMatchObject({ rv: 0x150, fields: { signature: { length: 64, bytes: null } } });
  caller.end();
});

test.each([
  ['a call before hello', () => encodeRequest('getSlotList', { tokenPresent: false }), /getSlotList before hello/],
  ['a large frame before hello', () => Buffer.from([0, 0, 16, 0]), /above the limit of 1024/],
  ['a short instance id', () => encodeRequest('hello', { ...admitted, instance: new Uint8Array(3) }), /has 3 bytes/],
  ['bytes that are no frame', () => Buffer.from([2, 0, 0, 0, 0xff, 0xff]), /call 65535 is not in the schema/],
])('%s closes the connection', async (_what, bytes, why) => {
  const caller = new Caller();
  caller.send(bytes());
  await caller.untilClosed();
  expect(lines.join()).toMatch(why);
});

test.each([
  ['a second hello', () => encodeRequest('hello', admitted), /second hello/],
  [
    'a frame above the limit',
    () => Buffer.from(Uint32Array.of(MAX_FRAME_BYTES + 1).buffer),
    /above the limit of 1048576/,
  ],
  [
    'two calls at once',
    () => {
      const sign = encodeRequest('sign', { session: 1, data: new Uint8Array(32), signature: 64 });
      return Buffer.concat([sign, sign]);
    },
    /sent sign while a call was under way/,
  ],
  [
    'two calls at once that are answered at once',
    () => {
      const list = encodeRequest('getSlotList', { tokenPresent: false });
      return Buffer.concat([list, list]);
    },
    /sent getSlotList while a call was under way/,
  ],
])('%s closes an admitted connection and no other', async (_what, bytes, why) => {
  const other = await greeted();
  const caller = await greeted();
  caller.send(bytes());
  await caller.untilClosed();
  expect(lines.join()).toMatch(why);
  expect(await other.call('getSlotList', { tokenPresent: false })).toMatchObject({ rv: CKR_OK });
  other.end();
});

describe('a peer that keeps the agent waiting', () => {
  const ONE_SECOND_MS = 1000;
  const random = encodeRequest('generateRandom', { session: 1, length: 500_000 });

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  /** Lets seconds pass, doing something in each, until the connection closes; gives how many it took. */
  async function secondsOf(caller: Caller, eachSecond: () => void): Promise<number> {
    for (let seconds = 0; seconds < 60; seconds++) {
      eachSecond();
      for (let i = 0; i < 20 && !caller.closed; i++) await new Promise(setImmediate);
      if (caller.closed) return seconds;
      vi.advanceTimersByTime(ONE_SECOND_MS);
    }
    throw new Error('it is still open');
  }

  test('byte by byte, has ten seconds for its hello', async () => {
    const hello = encodeRequest('hello', admitted);
    const caller = new Caller();
    let sent = 0;
    expect(await secondsOf(caller, () => caller.send(hello.subarray(sent, ++sent)))).toBe(10);
    expect(lines.join()).toMatch(/it sent no hello in time/);
  });

  test('byte by byte, has ten seconds for each frame', async () => {
    const caller = await greeted();
    let sent = 0;
    expect(await secondsOf(caller, () => caller.send(random.subarray(sent, ++sent)))).toBe(10);
    expect(lines.join()).toMatch(/it stopped within a frame/);
    expect(drawn).toBe(0);
  });

  test('without reading what it asks for, gets one answer made and no more, and harms no other', async () => {
    const other = await greeted();
    const caller = await greeted();
    caller.stopReading();
    const ask = () => {
      if (!caller.closed) caller.send(random);
    };
    ask();
    while (drawn === 0) await new Promise(setImmediate);
    const seconds = secondsOf(caller, ask);
    expect(await other.call('getSlotList', { tokenPresent: false })).toMatchObject({ rv: CKR_OK });
    expect(await seconds).toBe(10);
    expect(lines.join()).toMatch(/it does not read its answer/);
    expect(drawn).toBe(1);
    other.end();
  });

  test('between its calls, is left alone', async () => {
    const caller = await greeted();
    vi.advanceTimersByTime(3600 * ONE_SECOND_MS);
    expect(await caller.call('getSlotList', { tokenPresent: false })).toMatchObject({ rv: CKR_OK });
    expect((await caller.call('generateRandom', { session: 1, length: 500_000 }))?.fields?.bytes).toHaveLength(500_000);
    vi.advanceTimersByTime(3600 * ONE_SECOND_MS);
    expect(await caller.call('getSlotList', { tokenPresent: false })).toMatchObject({ rv: CKR_OK });
    caller.end();
  });
});

describe('a connection that retires', () => {
  const signing = { session: 1, data: new Uint8Array(32), signature: 64 };

  test('answers the call that is under way, and closes', async () => {
    const caller = await greeted();
    caller.send(encodeRequest('logout', { session: 1 }));
    while (endLogout === undefined) await new Promise(setImmediate);
    connections[0]?.retire();
    endLogout();
    endLogout = undefined;
    expect(await caller.answer('logout')).toMatchObject({ rv: CKR_OK });
    await caller.untilClosed();
  });

  test('answers what had come before it', async () => {
    const caller = await greeted();
    caller.send(encodeRequest('sign', signing));
    connections[0]?.retire();
    expect(await caller.answer('sign')).toMatchObject({ rv: CKR_OK });
    await caller.untilClosed();
  });

  const digestInit = encodeRequest('digestInit', { session: 1, mechanism: { type: 0x250, parameter: null } });
  const digestFinal = encodeRequest('digestFinal', { session: 1, digest: 32 });

  test('serves on until the operation that began on it has ended', async () => {
    const caller = await greeted();
    caller.send(digestInit);
    expect(await caller.answer('digestInit')).toMatchObject({ rv: CKR_OK, goesOn: true });
    connections[0]?.retire();
    expect(await caller.call('generateRandom', { session: 1, length: 4 })).toMatchObject({ rv: CKR_OK });
    caller.send(digestFinal);
    const end = await caller.answer('digestFinal');
    expect(end).toMatchObject({ rv: CKR_OK });
    expect(end).not.toHaveProperty('goesOn');
    await caller.untilClosed();
  });

  test('serves on until the last of several operations on it has ended', async () => {
    const caller = await greeted();
    const beginning = (session: number) =>
      encodeRequest('digestInit', { session, mechanism: { type: 0x250, parameter: null } });
    for (const session of [1, 2]) {
      caller.send(beginning(session));
      expect(await caller.answer('digestInit')).toMatchObject({ rv: CKR_OK, goesOn: true });
    }
    connections[0]?.retire();
    for (const session of [2, 1]) {
      caller.send(encodeRequest('digestFinal', { session, digest: 32 }));
      expect(await caller.answer('digestFinal')).toMatchObject({ rv: CKR_OK });
    }
    await caller.untilClosed();
  });

  test('is not kept by the operation of another one, nor by one that ended elsewhere', async () => {
    const [first, second] = [await greeted(), await greeted()];
    first.send(digestInit);
    await first.answer('digestInit');
    connections[1]?.retire();
    await second.untilClosed();
    digesting.clear();
    connections[0]?.retire();
    await first.untilClosed();
  });

  test('says what is lost when it is cut', async () => {
    const caller = await greeted();
    expect(connections[0]?.unfinished).toBeUndefined();
    caller.send(digestInit);
    await caller.answer('digestInit');
    expect(connections[0]?.unfinished).toMatch(/an operation that process 100 began/);
    caller.send(encodeRequest('logout', { session: 1 }));
    while (endLogout === undefined) await new Promise(setImmediate);
    expect(connections[0]?.unfinished).toBe('logout of process 100');
    connections[0]?.cut();
    await caller.untilClosed();
    endLogout = undefined;
  });

  test('tells whether it has paused between calls and operations, and whether what is under way is slow', async () => {
    const [caller, other] = [await greeted(), await greeted()];
    const [first, second] = connections;
    caller.send(digestInit);
    await caller.answer('digestInit');
    other.send(encodeRequest('findObjectsInit', { session: 2, template: [] }));
    while (second?.isBusy !== true) await new Promise(setImmediate);
    expect([first?.isUnpaused, second.isUnpaused, second.isSlow]).toEqual([false, false, true]);
    const [usedAtMs = 0, greetedAtMs = 0] = [first?.usedAtMs, second.usedAtMs];
    expect(second.begunAtMs).toBeGreaterThan(greetedAtMs);
    for (const connection of connections) connection.lookForPause();
    expect(await caller.call('generateRandom', { session: 1, length: 4 })).toMatchObject({ rv: CKR_OK });
    expect([first?.isUnpaused, second.isUnpaused]).toEqual([true, true]);
    expect(first?.usedAtMs).toBeGreaterThan(usedAtMs);
    endListing?.();
    await other.answer('findObjectsInit');
    caller.send(digestFinal);
    await caller.answer('digestFinal');
    expect([first?.isUnpaused, second.isUnpaused, second.isSlow]).toEqual([false, false, false]);
    caller.send(digestInit);
    await caller.answer('digestInit');
    expect(first?.isUnpaused).toBe(false);
    caller.end();
    other.end();
  });

  test('leaves to its successor what only begins something', async () => {
    const caller = await greeted();
    caller.send(encodeRequest('signInit', { session: 1, mechanism: { type: 1, parameter: null }, key: 7 }));
    connections[0]?.retire();
    expect(await caller.answer('signInit')).toBeUndefined();
  });

  test('takes nothing that is sent later', async () => {
    const caller = await greeted();
    connections[0]?.retire();
    caller.send(encodeRequest('sign', signing));
    expect(await caller.answer('sign')).toBeUndefined();
  });
});

test('whoever says hello to an agent that retires is sent to its successor', async () => {
  retires = true;
  const caller = new Caller();
  expect(await caller.call('hello', admitted)).toMatchObject({ fields: { again: true } });
  await caller.untilClosed();
});

test('who speaks HTTP is shown the status, and nobody else', async () => {
  const caller = new Caller();
  caller.send(Buffer.from('GET /metrics HTTP/1.1\r\n\r\n'));
  await caller.untilClosed();
  expect(shown).toEqual(['GET /metrics HTTP/1.1\r\n\r\n']);
});
