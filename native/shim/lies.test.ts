import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CKR_OK } from '../../lib/pkcs11/constants.ts';
import { encodeResponse } from '../../lib/wire/codec.ts';
import { Driver, masked, VARIANTS } from '../test/driver.ts';
import { FakeAgent, ok, type Peer } from '../test/fake-agent.ts';

let folder: string;
let agent: FakeAgent;
let driver: Driver;

const DEVICE_ERROR = '30';
const answer = encodeResponse('sign', {
  rv: CKR_OK,
  message: '',
  fields: { signature: { length: 2, bytes: new Uint8Array(2) } },
});
const changed = (frame: Buffer, change: (copy: Buffer) => void) => {
  const copy = Buffer.from(frame);
  change(copy);
  return copy;
};

/** What an agent may send instead of the answer to C_Sign. */
const LIES: readonly [string, (peer: Peer) => Buffer | undefined][] = [
  ['an answer to another call', () => encodeResponse('logout', { rv: CKR_OK, message: '', fields: {} })],
  ['an answer without its fields', () => changed(answer.subarray(0, 19), (copy) => copy.writeUInt32LE(15)).fill(0, 18)],
  ['an answer whose frame is longer than it', () => lengthened(Buffer.from([1]))],
  ['an answer that ends in its middle', () => shortened(5)],
  ['a frame of no bytes', () => Buffer.alloc(4)],
  ['a frame of four gigabytes', () => Buffer.alloc(4, 0xff)],
  ['a flag of 7', () => changed(answer, (copy) => copy.writeUInt8(7, 18))],
  ['a text longer than the frame', () => changed(answer, (copy) => copy.writeUInt32LE(0xffff_fff0, 14))],
  ['random bytes', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['half an answer, and then the end', (peer) => closing(peer, answer.subarray(0, 9))],
  ['half a length, and then the end', (peer) => closing(peer, answer.subarray(0, 2))],
  ['nothing but the end', (peer) => closing(peer, Buffer.alloc(0))],
];

function lengthened(extra: Buffer): Buffer {
  const frame = Buffer.concat([answer, extra]);
  frame.writeUInt32LE(frame.length - 4);
  return frame;
}

function shortened(bytes: number): Buffer {
  const frame = Buffer.from(answer.subarray(0, answer.length - bytes));
  frame.writeUInt32LE(frame.length - 4);
  return frame;
}

function closing(peer: Peer, bytes: Buffer): undefined {
  peer.socket.end(bytes);
}

describe.each(VARIANTS)('an agent that lies, $name', ({ build }) => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-lies-'));
    agent = new FakeAgent(join(folder, 'socket'));
    await agent.start();
    driver = await Driver.load(build, {
      MHSM_PKCS11_SOCKET: agent.path,
      MHSM_PKCS11_CONF: join(folder, 'mhsm-pkcs11.conf'),
    });
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 3 4')).toBe('0 1');
  });

  afterEach(async () => {
    expect(await driver.end(), driver.stderr).toBe(0);
    await agent.stop();
    rmSync(folder, { recursive: true });
  });

  async function expectHealthy(): Promise<void> {
    expect(await driver.run('sign 1 aabb buffer 9')).toBe('0 2 aabb');
  }

  test.each(LIES)('%s costs that call and no other', async (_name, lie) => {
    agent.on('sign', (_fields, peer) => lie(peer));
    expect(await driver.run('sign 1 aabb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    agent.off('sign');
    await expectHealthy();
    expect(driver.stderr).toMatch(/^mhsm-pkcs11: C_Sign: [^\n]+\n$/);
  });

  test('silence ends at the deadline', async () => {
    agent.on('hello', (_fields, peer) => ok<'hello'>({ ...agent.hello(peer), deadlineMs: 500 }));
    await agent.stop();
    await agent.start();
    await driver.run('session 1');
    agent.on('sign', () => undefined);
    expect(await driver.run('sign 1 aabb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    expect(driver.stderr).toBe('mhsm-pkcs11: C_Sign: the agent gave no answer within 0.5 s\n');
    agent.off('sign');
    await expectHealthy();
  });

  test('bytes that nobody asked for end the connection, not the next call', async () => {
    agent.on('sign', () => Buffer.concat([answer, answer]));
    expect(await driver.run('sign 1 aabb buffer 9')).toBe('0 2 0000');
    agent.off('sign');
    await expectHealthy();
  });

  test('an output larger than the buffer is not copied', async () => {
    agent.on('sign', () => ok<'sign'>({ signature: { length: 64, bytes: new Uint8Array(64) } }));
    expect(await driver.run('sign 1 aabb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    agent.on('sign', () => ok<'sign'>({ signature: { length: 4, bytes: new Uint8Array(8) } }));
    expect(await driver.run('sign 1 aabb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    agent.on('sign', () => ok<'sign'>({ signature: { length: 4, bytes: null } }));
    expect(await driver.run('sign 1 aabb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    agent.on('generateRandom', () => ok<'generateRandom'>({ bytes: new Uint8Array(9) }));
    expect(await driver.run('random 1 8')).toBe(`${DEVICE_ERROR} 00 00`);
    agent.on('findObjects', () => ok<'findObjects'>({ handles: [1, 2] }));
    expect(await driver.run('find 1 1')).toBe(`${DEVICE_ERROR} 0 0`);
  });

  test('attributes that do not fit the question change nothing', async () => {
    const eight = { length: 8, bytes: new Uint8Array(8) };
    for (const results of [[eight], [eight, eight, eight], [eight, { length: 9, bytes: new Uint8Array(9) }]]) {
      agent.on('getAttributeValue', () => ok<'getAttributeValue'>({ results }));
      expect(await driver.run('attributes 1 9 0=8 1=8')).toBe(`${DEVICE_ERROR} 8:eeeeeeeeeeeeeeee 8:eeeeeeeeeeeeeeee`);
    }
    agent.on('getAttributeValue', () => ok<'getAttributeValue'>({ results: [eight] }));
    expect(await driver.run('attributes 1 9 0=null')).toBe(`${DEVICE_ERROR} 0:`);
    expect(await driver.run('attributes 1 9 0=unavailable')).toBe(`${DEVICE_ERROR} -1:eeeeeeeeeeeeeeee`);
  });

  test('an agent that fails every replay is not asked for ever', async () => {
    agent.on('openSession', (_fields, peer) => closing(peer, Buffer.alloc(0)));
    await agent.stop();
    await agent.start();
    agent.take();
    expect(await driver.run('sign 1 aabb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    expect(agent.take()).toEqual(['hello', 'openSession', 'hello', 'openSession', 'hello', 'openSession']);
    agent.off('openSession');
    await expectHealthy();
  });

  test('a line for the operator has no control characters', async () => {
    const message = 'no role: \u001b[2Jrun az\n\u0000\u009b2J é';
    agent.on('login', () => ({ rv: 0xa0, message }));
    expect(await driver.run(`login 1 1 ${masked('x')}`)).toBe('a0');
    expect(driver.stderr).toBe('mhsm-pkcs11: C_Login: no role: ?[2Jrun az??\ufffd?2J é\n');
  });

  test('standard error may be closed, and no descriptor of ours takes its place', async () => {
    agent.on('login', () => ({ rv: 0xa0, message: 'a line that nobody reads' }));
    await driver.run('final');
    await driver.run('close-descriptors 2');
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('descriptors')).not.toMatch(/(^| )2!? /);
    expect(await driver.run('open 3 4')).toBe('0 2');
    expect(await driver.run(`login 2 1 ${masked('x')}`)).toBe('a0');
  });

  test('a standard error whose reader is gone does not end the host', async () => {
    agent.on('login', () => ({ rv: 0xa0, message: 'a line that nobody reads' }));
    expect(await driver.run('break-stderr')).toBe('1');
    expect(await driver.run(`login 1 1 ${masked('x')}`)).toBe('a0');
    expect(await driver.run('signals')).toBe('1 1 0');
  });
});
