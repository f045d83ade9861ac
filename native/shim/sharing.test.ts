import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeResponse } from '../../lib/wire/codec.ts';
import { Driver, VARIANTS } from '../test/driver.ts';
import { FakeAgent, ok, type Peer } from '../test/fake-agent.ts';

/** Longer than the pause after which a further connection is asked for again. */
const DEADLINE_MS = 1500;
const DEVICE_ERROR = '30';

let folder: string;
let agent: FakeAgent;
let driver: Driver;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const signature = (data: Uint8Array) => ({ signature: { length: data.length, bytes: data } });

function greetWithDeadline(fake: FakeAgent): void {
  fake.on('hello', (_fields, peer) => ok<'hello'>({ ...fake.hello(peer), deadlineMs: DEADLINE_MS }));
}

/** Sessions with an operation each on the one connection that the agent takes. */
async function begin(build: string, sessions: number): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-sharing-'));
  agent = new FakeAgent(join(folder, 'socket'));
  greetWithDeadline(agent);
  agent.on('signInit', () => ({ ...ok<'signInit'>({}), goesOn: true }));
  await agent.start();
  agent.mostConnections = 1;
  driver = await Driver.load(build, {
    MHSM_PKCS11_SOCKET: agent.path,
    MHSM_PKCS11_CONF: join(folder, 'mhsm-pkcs11.conf'),
  });
  expect(await driver.run('init 2')).toBe('0');
  for (let session = 1; session <= sessions; session++) {
    expect(await driver.run('open 3 4')).toBe(`0 ${session}`);
    expect(await driver.run(`signinit ${session} 1 9`)).toBe('0');
  }
  expect(agent.connections).toBe(1);
  agent.take();
}

async function untilLetGo(): Promise<void> {
  while (agent.connections > 0) await new Promise(setImmediate);
}

/** Another agent at the same path, which the process knows of. */
async function succeed(): Promise<FakeAgent> {
  agent.stopAccepting();
  const successor = new FakeAgent(agent.path);
  greetWithDeadline(successor);
  await successor.start();
  while (successor.connections === 0) expect(await driver.run('slots 8')).toBe('0 2 3');
  agent.take();
  successor.take();
  return successor;
}

afterEach(async () => {
  expect(await driver.end(), driver.stderr).toBe(0);
  await agent.stop();
  rmSync(folder, { recursive: true });
});

describe.each(VARIANTS)('sessions whose operations share one connection, $name', ({ build }) => {
  beforeEach(() => begin(build, 2));

  /** The call of session 1 that a thread of its own makes is not answered; gives the connection that it came on. */
  async function callAside(call: 'sign' | 'find'): Promise<Peer> {
    const asked = new Promise<Peer>((resolve) => {
      agent.on('sign', ({ session, data }, peer) => {
        if (session !== 1) return ok<'sign'>(signature(data));
        resolve(peer);
        return undefined;
      });
      agent.on('findObjectsInit', (_fields, peer) => {
        resolve(peer);
        return undefined;
      });
    });
    expect(await driver.run(`aside ${call} 1 aaaa`)).toBe('begun');
    return asked;
  }

  const answerSign = ({ socket }: Peer) =>
    socket.write(encodeResponse('sign', { rv: 0, message: '', fields: signature(Buffer.from('aaaa', 'hex')) }));
  const answerFind = ({ socket }: Peer) =>
    socket.write(encodeResponse('findObjectsInit', { rv: 0, message: '', fields: {} }));

  test('a thread that waits for that connection gets one of its own when there is room again', async () => {
    const peer = await callAside('find');
    const answer = driver.run('sign 2 bbbb buffer 9');
    agent.mostConnections = 2;
    expect(await answer).toBe('0 2 bbbb');
    answerFind(peer);
    expect(await driver.run('aside-end')).toBe('0 ');
  });

  test('one that waits in vain is told why it could not have another', async () => {
    const peer = await callAside('find');
    expect(await driver.run('sign 2 bbbb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
    expect(driver.stderr).toMatch(
      /^mhsm-pkcs11: C_Sign: other threads waited for the agent for 1\.5 s, and no further connection could be had: the connection to the agent broke while .+: .+\n$/,
    );
    answerFind(peer);
    expect(await driver.run('aside-end')).toBe('0 ');
  });

  describe('and whose agent has got a successor', () => {
    let successor: FakeAgent;

    beforeEach(async () => {
      successor = await succeed();
    });

    afterEach(async () => {
      await driver.run('final');
      await successor.stop();
    });

    test('a thread waits there for another one without computing, and is answered', async () => {
      const waitedMs = 400;
      const peer = await callAside('sign');
      const before = Number(await driver.run('processor'));
      const answer = driver.run('sign 2 bbbb buffer 9');
      await pause(waitedMs);
      answerSign(peer);
      expect(await answer).toBe('0 2 bbbb');
      expect(Number(await driver.run('processor')) - before).toBeLessThan(waitedMs / 4);
      expect(await driver.run('aside-end')).toBe('0 aaaa');
      expect(agent.take()).toEqual(['sign', 'sign']);
      expect(successor.take()).toEqual([]);
      await untilLetGo();
    });

    test('one that waits in vain for a thread of its own process takes no agent for silent', async () => {
      const peer = await callAside('find');
      expect(await driver.run('sign 2 bbbb buffer 9')).toBe(`${DEVICE_ERROR} 9 `);
      expect(driver.stderr).toContain('C_Sign: other threads waited for the agent for 1.5 s');
      expect(await driver.run('session 2')).toBe('0 0 2');
      expect(successor.take()).toEqual(['getSessionInfo']);
      answerFind(peer);
      expect(await driver.run('aside-end')).toBe('0 ');
    });

    describe('after a call there was not answered in time', () => {
      let peer: Peer;

      beforeEach(async () => {
        peer = await callAside('sign');
        expect(await driver.run('aside-end')).toBe(`${DEVICE_ERROR} `);
        agent.take();
      });

      test.each(['before', 'after'])('the other operation goes on, %s the late answer came', async (when) => {
        if (when === 'after') answerSign(peer);
        const answer = driver.run('sign 2 bbbb buffer 9');
        if (when === 'before') answerSign(peer);
        expect(await answer).toBe('0 2 bbbb');
        expect(agent.take()).toEqual(['sign']);
        expect(successor.take()).toEqual([]);
        await untilLetGo();
      });

      test('the successor is not taken for silent', async () => {
        expect(await driver.run('session 1')).toBe('0 0 2');
        expect(successor.take()).toEqual(['getSessionInfo']);
      });

      test('the other operation is lost with its agent', async () => {
        peer.socket.destroy();
        await untilLetGo();
        await driver.run('sign 2 bbbb buffer 9');
        expect(successor.take()).toEqual(['sign']);
      });
    });
  });
});

test.each(VARIANTS)('of many at a replaced agent that hangs, two wait, $name', async ({ build }) => {
  await begin(build, 4);
  const successor = await succeed();
  agent.on('sign', () => undefined);
  for (const session of [1, 2]) expect(await driver.run(`sign ${session} aaaa buffer 9`)).toBe(`${DEVICE_ERROR} 9 `);
  await untilLetGo();
  for (const session of [3, 4]) await driver.run(`sign ${session} aaaa buffer 9`);
  expect(agent.take()).toEqual(['sign']);
  expect(successor.take()).toEqual(['sign', 'sign']);
  await driver.run('final');
  await successor.stop();
});
