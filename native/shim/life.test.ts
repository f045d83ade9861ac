import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED, CKR_PIN_INCORRECT } from '../../lib/pkcs11/constants.ts';
import { Driver, masked, VARIANTS } from '../test/driver.ts';
import { FakeAgent, ok, TICKET } from '../test/fake-agent.ts';

let folder: string;
let agent: FakeAgent;
let driver: Driver;

const pin = masked('client:secret');
const hellos = () => agent.requests.filter((request) => request.call === 'hello');

describe.each(VARIANTS)('forks, restarts and exits, $name', ({ build }) => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-life-'));
    agent = new FakeAgent(join(folder, 'socket'));
    await agent.start();
    driver = await Driver.load(build, {
      MHSM_PKCS11_SOCKET: agent.path,
      MHSM_PKCS11_CONF: join(folder, 'mhsm-pkcs11.conf'),
    });
  });

  afterEach(async () => {
    expect(await driver.end(), driver.stderr).toBe(0);
    await agent.stop();
    rmSync(folder, { recursive: true });
  });

  async function logIn(): Promise<void> {
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 3 4')).toBe('0 1');
    expect(await driver.run(`login 1 1 ${pin}`)).toBe('0');
  }

  test('a child goes on with the handles of its parent, on a connection and as an instance of its own', async () => {
    await logIn();
    agent.take();
    expect(await driver.fork('signinit 1 1 9', 'sign 1 aa buffer 9')).toEqual(['0', '0 1 aa', 'ended 0']);
    expect(agent.requests).toMatchObject([
      { call: 'hello', fields: { fresh: false, ticket: new Uint8Array(TICKET), configuration: [] } },
      { call: 'openSession', fields: { session: 1, slot: 3, flags: 4 } },
      { call: 'resumeLogin', fields: { slot: 3, userType: 1, pin: new Uint8Array(Buffer.from('client:secret')) } },
      { call: 'signInit' },
      { call: 'sign' },
    ]);
    const child = agent.requests[0]?.instance;
    agent.take();
    expect(await driver.run('session 1')).toBe('0 0 2');
    expect(agent.requests).toMatchObject([{ call: 'getSessionInfo' }]);
    expect(agent.requests[0]?.instance).not.toBe(child);
  });

  test('a child that initializes begins without sessions, with handles nobody had', async () => {
    await logIn();
    agent.take();
    const answers = await driver.fork('init null', 'init null', 'session 1', 'open 3 4', 'session 2');
    expect(answers).toEqual(['0', '191', 'b3 0 0', '0 2', '0 0 2', 'ended 0']);
    expect(agent.take()).toEqual(['hello', 'openSession', 'getSessionInfo']);
    expect(await driver.run('session 1')).toBe('0 0 2');
  });

  test('a child that finalizes takes nothing from its parent', async () => {
    await logIn();
    agent.take();
    const answers = await driver.fork('final', 'session 1', 'init 2', 'open 3 4', 'close 2', 'final', 'init 2');
    expect(answers).toEqual(['0', '190 0 0', '0', '0 2', '0', '0', '0', 'ended 0']);
    agent.take();
    expect(await driver.run('sign 1 aa buffer 9')).toBe('0 1 aa');
    expect(agent.take()).toEqual(['sign']);
  });

  test('a child of a child resumes too, and exits leave the others alone', async () => {
    await logIn();
    expect(await driver.run('detach')).toBe('detached');
    agent.take();
    expect(await driver.fork('session 1')).toEqual(['0 0 2', 'ended 0']);
    expect(await driver.run('session 1')).toBe('0 0 2');
    expect(agent.take().filter((call) => call === 'hello')).toHaveLength(2);
  });

  test('a child closes its copies: the agent sees its parent end', async () => {
    await logIn();
    const parent = agent.requests[0]?.instance;
    await driver.run('detach');
    await driver.run('session 1');
    while (agent.connections > 1) await new Promise(setImmediate);
    await driver.run('session 1');
    expect(agent.requests.at(-1)?.instance).not.toBe(parent);
  });

  test('a worker with an empty environment finds the same agent', async () => {
    await logIn();
    expect(await driver.fork('clear-environment', 'init null', 'open 3 4')).toEqual(['0', '0', '0 2', 'ended 0']);
  });

  test('a fork that never knew an initialized module is a fresh process', async () => {
    writeFileSync(join(folder, 'mhsm-pkcs11.conf'), '{}');
    expect(await driver.fork('init null', 'init null', 'final', 'init null')).toEqual([
      '0',
      '191',
      '0',
      '0',
      'ended 0',
    ]);
    expect(hellos()).toMatchObject([{ fields: { fresh: true } }, { fields: { fresh: true } }]);
    // device, inode, size, seconds, nanoseconds
    const number = expect.any(Number);
    expect(hellos()[0]?.fields).toMatchObject({ configuration: [number, number, 2, number, number] });
  });

  // libp11 logs in once in each child, and never again when that fails.
  describe('a child that logs in as its parent did', () => {
    const CHILD = ['init null', 'open 3 4', `login 2 1 ${pin}`] as const;

    beforeEach(async () => {
      await logIn();
      agent.take();
    });

    test('is logged in though nobody can say so now, and the call that needs it tells why', async () => {
      agent.on('login', () => ({ rv: CKR_DEVICE_ERROR, message: 'no token' }));
      expect(await driver.fork(...CHILD, 'signinit 2 1 9')).toEqual(['0', '0 2', '0', '0', 'ended 0']);
      expect(agent.take().slice(-4)).toEqual(['login', 'openSession', 'resumeLogin', 'signInit']);
      expect(driver.stderr).toContain('mhsm-pkcs11: C_Login: no token');
    });

    test('is so though the PIN is refused for a while', async () => {
      agent.on('login', () => ({ rv: CKR_PIN_INCORRECT }));
      expect(await driver.fork(...CHILD, 'signinit 2 1 9')).toEqual(['0', '0 2', '0', '0', 'ended 0']);
    });

    test('is so while no agent answers, and the next agent hears of it', async () => {
      const closedByTwoCalls = 6;
      let asked = 0;
      agent.on('hello', (_fields, peer) => {
        if (++asked > closedByTwoCalls) return ok<'hello'>(agent.hello(peer));
        peer.socket.destroy();
        return undefined;
      });
      expect(await driver.fork(...CHILD, 'signinit 2 1 9')).toEqual(['0', '0 2', '0', '0', 'ended 0']);
      expect(agent.take().slice(closedByTwoCalls)).toEqual(['hello', 'openSession', 'resumeLogin', 'signInit']);
    });

    test('with another PIN or as another user is refused as anybody is', async () => {
      agent.on('login', () => ({ rv: CKR_PIN_INCORRECT }));
      const other = masked('client:other');
      expect(await driver.fork('init null', 'open 3 4', `login 2 1 ${other}`, `login 2 0 ${pin}`)).toEqual([
        '0',
        '0 2',
        'a0',
        'a0',
        'ended 0',
      ]);
    });

    test('after its parent had logged out is refused as anybody is', async () => {
      await driver.run('logout 1');
      agent.on('login', () => ({ rv: CKR_PIN_INCORRECT }));
      expect(await driver.fork(...CHILD)).toEqual(['0', '0 2', 'a0', 'ended 0']);
    });

    test('after C_Finalize, as pkcs11-provider does, is logged in as well', async () => {
      agent.on('login', () => ({ rv: CKR_PIN_INCORRECT }));
      expect(await driver.fork('final', ...CHILD)).toEqual(['0', '0', '0 2', '0', 'ended 0']);
    });

    test('and logs out, or finalizes, has the PIN nowhere in memory', async () => {
      const scan = `scan ${pin}`;
      expect(await driver.fork(...CHILD, 'logout 2', scan)).toEqual(['0', '0 2', '0', '0', '0', 'ended 0']);
      expect(await driver.fork(...CHILD, 'final', scan)).toEqual(['0', '0 2', '0', '0', '0', 'ended 0']);
    });
  });

  test('after a restart of the agent the next call brings sessions and logins along', async () => {
    await logIn();
    expect(await driver.run('open 7 6')).toBe('0 2');
    await agent.stop();
    await agent.start();
    agent.take();
    expect(await driver.run('sign 2 aa buffer 9')).toBe('0 1 aa');
    expect(agent.take()).toEqual(['hello', 'openSession', 'openSession', 'resumeLogin', 'sign']);
    expect(await driver.run('sign 1 bb buffer 9')).toBe('0 1 bb');
    expect(agent.take()).toEqual(['sign']);
  });

  test('what was closed or logged out is not brought back', async () => {
    await logIn();
    await driver.run('open 3 4');
    await driver.run('open 7 4');
    expect(await driver.run('close 2')).toBe('0');
    expect(await driver.run('closeall 7')).toBe('0');
    expect(await driver.run('logout 1')).toBe('0');
    await agent.stop();
    await agent.start();
    agent.take();
    await driver.run('session 1');
    expect(agent.take()).toEqual(['hello', 'openSession', 'getSessionInfo']);
  });

  test('without an agent sessions open and close all the same, and are there when it comes', async () => {
    await agent.stop();
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 3 4')).toBe('0 1');
    expect(await driver.run('open 3 4')).toBe('0 2');
    expect(await driver.run('close 2')).toBe('0');
    expect(await driver.run(`login 1 1 ${pin}`)).toBe('30');
    expect(await driver.run('session 1')).toBe('30 0 0');
    expect(driver.stderr).toMatch(/^mhsm-pkcs11: C_Initialize: cannot connect to the agent at [^\n]+\n$/);
    await agent.start();
    expect(await driver.run('session 1')).toBe('0 0 2');
    expect(agent.take()).toEqual(['hello', 'openSession', 'getSessionInfo']);
  });

  test('a refusal at load is C_Initialize\u2019s, with the sentence of the agent', async () => {
    agent.on('hello', () => ({ rv: CKR_FUNCTION_FAILED, message: 'line 3: a comma is missing' }));
    expect(await driver.run('init 2')).toBe('6');
    expect(driver.stderr).toBe('mhsm-pkcs11: C_Initialize: line 3: a comma is missing\n');
    agent.off('hello');
    expect(await driver.run('init 2')).toBe('0');
  });

  test('an agent that hands over is asked again', async () => {
    let asked = 0;
    agent.on('hello', (_fields, peer) => ok<'hello'>({ ...agent.hello(peer), again: ++asked < 3 }));
    expect(await driver.run('init 2')).toBe('0');
    expect(hellos()).toHaveLength(3);
  });

  test('a connection that was closed while idle is not an error', async () => {
    await logIn();
    for (const socket of [1, 2]) {
      agent.on('sign', ({ data }, peer) => {
        peer.socket.once('drain', () => undefined);
        setImmediate(() => peer.socket.destroy());
        return ok<'sign'>({ signature: { length: data.length, bytes: data } });
      });
      expect(await driver.run('sign 1 aa buffer 9'), `${socket}`).toBe('0 1 aa');
      while (agent.connections > 0) await new Promise(setImmediate);
    }
  });

  test('a start that an ending agent took along is made at the next one; what goes on with it is lost', async () => {
    await logIn();
    const takeAlong = (call: 'signInit' | 'sign') =>
      agent.on(call, (_fields, peer) => {
        agent.off(call);
        peer.socket.destroy();
        return { rv: 0 };
      });
    takeAlong('signInit');
    agent.take();
    expect(await driver.run('signinit 1 1 9')).toBe('0');
    expect(agent.take()).toEqual(['signInit', 'hello', 'openSession', 'resumeLogin', 'signInit']);
    takeAlong('sign');
    expect(await driver.run('sign 1 aa buffer 9')).toMatch(/^30 /);
    expect(agent.take()).toEqual(['sign']);
  });

  test('a start that ends every agent is given up after three', async () => {
    await logIn();
    agent.on('signInit', (_fields, peer) => {
      peer.socket.destroy();
      return { rv: 0 };
    });
    agent.take();
    expect(await driver.run('signinit 1 1 9')).toBe('30');
    expect(agent.take().filter((call) => call === 'signInit')).toHaveLength(3);
  });

  test('a daemon that closes all descriptors and opens its own loses nothing but the connection', async () => {
    await logIn();
    expect(await driver.run('replace-descriptors')).toBe('replaced');
    expect(await driver.run('sign 1 aa buffer 9')).toBe('0 1 aa');
  });

  test('the PIN is nowhere in memory after logout, after the last session, after C_Finalize', async () => {
    await logIn();
    expect(Number(await driver.run(`scan ${pin}`))).toBeGreaterThan(0);
    await driver.run('logout 1');
    expect(await driver.run(`scan ${pin}`)).toBe('0');
    await driver.run(`login 1 1 ${pin}`);
    await driver.run('close 1');
    expect(await driver.run(`scan ${pin}`)).toBe('0');
    await driver.run('open 3 4');
    await driver.run(`login 2 1 ${pin}`);
    await driver.run('final');
    expect(await driver.run(`scan ${pin}`)).toBe('0');
  });

  test('the PIN is in no core dump, though the rest of the memory is', async (context) => {
    await logIn();
    const cores = join(folder, 'cores');
    mkdirSync(cores);
    if ((await driver.run(`core ${cores}`)) === 'no core') context.skip('this system writes no core files');
    const [name] = readdirSync(cores);
    if (name === undefined) return context.skip('this system gives cores to a program');
    const core = readFileSync(join(cores, name));
    expect(core.includes(agent.path)).toBe(true);
    expect(core.includes('client:secret')).toBe(false);
    expect(core.includes(TICKET)).toBe(false);
  });

  // The sanitizers leave mlock out.
  test.skipIf(build.endsWith('asan'))('the PIN is kept out of swap, in forked children too', async () => {
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('open 3 4')).toBe('0 1');
    const ticketAlone = Number(await driver.run('locked'));
    expect(await driver.run(`login 1 1 ${pin}`)).toBe('0');
    const locked = await driver.run('locked');
    expect(Number(locked)).toBeGreaterThan(ticketAlone);
    expect(ticketAlone).toBeGreaterThan(0);
    expect(await driver.fork('locked')).toEqual([locked, 'ended 0']);
    expect(await driver.run('logout 1')).toBe('0');
    expect(await driver.run('locked')).toBe(String(ticketAlone));
  });

  test('a PIN that was refused is forgotten, and the calls after it are not resumed with it', async () => {
    await driver.run('init 2');
    await driver.run('open 3 4');
    agent.on('login', () => ({ rv: 0xa0 }));
    expect(await driver.run(`login 1 1 ${pin}`)).toBe('a0');
    expect(await driver.run(`scan ${pin}`)).toBe('0');
    await agent.stop();
    await agent.start();
    agent.take();
    await driver.run('session 1');
    expect(agent.take()).toEqual(['hello', 'openSession', 'getSessionInfo']);
  });

  describe('an operation whose agent gets a successor', () => {
    let successor: FakeAgent;

    beforeEach(async () => {
      await logIn();
      agent.on('signInit', () => ({ ...ok<'signInit'>({}), goesOn: true }));
      expect(await driver.run('signinit 1 1 9')).toBe('0');
      agent.stopAccepting();
      successor = new FakeAgent(agent.path);
      await successor.start();
      // No connection is free for it.
      expect(await driver.run('slots 8')).toBe('0 2 3');
      expect(successor.take()).toEqual(['hello', 'openSession', 'resumeLogin', 'getSlotList']);
      agent.take();
    });

    afterEach(async () => {
      await driver.run('final');
      await successor.stop();
    });

    const untilLetGo = async () => {
      while (agent.connections > 0) await new Promise(setImmediate);
    };

    test('goes on where it began, while everything else is asked of the successor', async () => {
      expect(await driver.run('session 1')).toBe('0 0 2');
      expect(await driver.run('sign 1 aa buffer 9')).toBe('0 1 aa');
      expect(agent.take()).toEqual(['sign']);
      expect(successor.take()).toEqual(['getSessionInfo']);
      await untilLetGo();
    });

    test.each(['logout 1', 'close 1', 'final'])('ends with %s, and its agent is let go', async (command) => {
      expect(await driver.run(command)).toBe('0');
      await untilLetGo();
    });

    test('is lost with its agent; the next one begins at the successor', async () => {
      await agent.stop();
      expect(await driver.run('signinit 1 1 9')).toBe('0');
      expect(await driver.run('sign 1 aa buffer 9')).toBe('0 1 aa');
      expect(successor.take()).toEqual(['signInit', 'sign']);
    });
  });

  describe('more operations than connections', () => {
    const SESSIONS = Array.from({ length: 300 }, (_, index) => index + 1);
    // As many as one process makes only because the others have operations.
    const MOST = 128;
    const dataOf = (session: number) => session.toString(16).padStart(4, '0');

    async function begin(sessions: readonly number[]): Promise<void> {
      agent.on('signInit', () => ({ ...ok<'signInit'>({}), goesOn: true }));
      await driver.run('init 2');
      for (const session of sessions) {
        expect(await driver.run('open 3 4')).toBe(`0 ${session}`);
        expect(await driver.run(`signinit ${session} 1 9`)).toBe('0');
      }
    }

    async function finish(sessions: readonly number[]): Promise<void> {
      for (const session of sessions)
        expect(await driver.run(`sign ${session} ${dataOf(session)} buffer 9`)).toBe(`0 2 ${dataOf(session)}`);
    }

    test('hundreds of sessions within an operation share those that a process has', async () => {
      await begin(SESSIONS);
      expect(agent.connections).toBe(MOST);
      await finish(SESSIONS);
      expect(agent.connections).toBeLessThanOrEqual(MOST);
    });

    test('each goes on at its agent when that gets a successor, where the next ones begin', async () => {
      await begin(SESSIONS);
      agent.stopAccepting();
      const successor = new FakeAgent(agent.path);
      await successor.start();
      // As long as each connection has an operation, the agent lets go of none and the module has to look.
      while (successor.connections === 0) expect(await driver.run('session 1')).toBe('0 0 2');
      agent.take();
      await finish(SESSIONS.toReversed());
      expect(agent.take().filter((call) => call === 'sign')).toHaveLength(SESSIONS.length);
      expect(await driver.run('signinit 1 1 9')).toBe('0');
      expect(successor.take().at(-1)).toBe('signInit');
      while (agent.connections > 0) await new Promise(setImmediate);
      await driver.run('final');
      await successor.stop();
    });

    test('an agent that takes no further connection is called on those that it has taken', async () => {
      agent.mostConnections = 5;
      const sessions = SESSIONS.slice(0, 20);
      await begin(sessions);
      expect(agent.connections).toBe(5);
      await finish(sessions);
    });

    test('where all connections to such an agent are busy, a thread waits for one', async () => {
      agent.mostConnections = 2;
      await driver.run('init 2');
      expect(await driver.run('threads 16 20')).toBe('0 wrong 0 children');
      expect(agent.connections).toBeLessThanOrEqual(2);
    });
  });

  test('threads share connections without sharing answers, and may fork meanwhile', async () => {
    await driver.run('init 2');
    expect(await driver.run('threads 16 100 fork')).toBe('0 wrong 0 children');
    expect(agent.connections).toBeLessThanOrEqual(16 + 1);
  });

  test('64 threads sign a thousand times each: no answer is lost, none is of another session', async () => {
    await driver.run('init 2');
    expect(await driver.run('threads 64 1000')).toBe('0 wrong 0 children');
    expect(agent.connections).toBeLessThanOrEqual(64 + 1);
  });

  test('calls during exit are refused, not crashed', async () => {
    await logIn();
    expect(await driver.run('at-exit')).toBe('0');
    const answer = driver.run('exit');
    expect(await answer).toMatch(/^(190 190|0 0|b3 b3|0 91|0 b3)$/);
  });

  test('signal dispositions, children and descriptors of the host are as they were', async () => {
    const before = await driver.run('descriptors');
    await logIn();
    expect(await driver.run('signals')).toBe('1 1 0');
    expect(await driver.run('children')).toBe('none');
    const added = (await driver.run('descriptors')).split(' ').filter((name) => !before.split(' ').includes(name));
    expect(added).toEqual([expect.stringMatching(/^\d+$/)]);
    await driver.run('final');
    expect(await driver.run('descriptors')).toBe(before);
  });
});
