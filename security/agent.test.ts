import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../native/test/launcher.ts';
import { AttackedAgent } from './attacked-agent.ts';
import { Caller } from './caller.ts';

const STRANGER = 65_534;
const SECRET = 'a-secret-of-the-server';
const MIB = 1024;
const CKR_SESSION_COUNT = 0xb1;
const CKR_PIN_INCORRECT = 0xa0;
const MOST_SESSIONS = 16_384;

const rowOf = (status: string, name: string) => new RegExp(`^${name}:\\s*(.*)`, 'm').exec(status)?.[1]?.trim();

let agent: AttackedAgent;

/** It listens to other users because root started it; and who is to be another user has to be root first. */
describe.runIf(process.getuid?.() === 0)('an agent that root started (needs root)', () => {
  beforeAll(async () => {
    agent = await AttackedAgent.start({ AZURE_CLIENT_SECRET: SECRET, NODE_OPTIONS: '--no-warnings' });
  });
  afterAll(() => agent.stop());

  const descriptors = () => readdirSync(`/proc/${agent.pid}/fd`);

  async function admitted(): Promise<Caller> {
    const caller = await Caller.connect(agent.socket);
    expect(await caller.hello()).toMatchObject({ rv: 0 });
    return caller;
  }

  /** Its log holds everything that came before. */
  async function logIsWritten(): Promise<void> {
    const before = agent.log.length;
    const caller = await admitted();
    await caller.call('getMechanismList', { slot: 0 });
    await until('a line about the call', () => agent.log.slice(before).includes('C_GetMechanismList'));
    caller.end();
  }

  test('is somebody else in each of its threads, has no capability and no way to get one', () => {
    const own = agent.status('Uid');
    expect(own).toBeGreaterThan(0);
    for (const thread of readdirSync(`/proc/${agent.pid}/task`)) {
      const status = agent.proc(`task/${thread}/status`);
      // Real, effective, saved, of the file system.
      const ids = Array(4).fill(agent.status('Gid')).join('\t');
      expect(rowOf(status, 'Uid')).toBe(Array(4).fill(own).join('\t'));
      expect([rowOf(status, 'Gid'), rowOf(status, 'Groups')]).toEqual([ids, String(agent.status('Gid'))]);
      for (const set of ['CapPrm', 'CapEff', 'CapAmb']) expect(rowOf(status, set), set).toMatch(/^0+$/);
    }
    expect(rowOf(agent.proc('status'), 'NoNewPrivs')).toBe('1');
  });

  test.each([
    ['a stranger', () => STRANGER],
    ['another process of its own user', () => agent.status('Uid')],
  ])('shows %s nothing of its memory, environment and files; nor does its launcher', async (_who, uid) => {
    const intruder = await agent.intruder(uid());
    for (const pid of [agent.pid, agent.launcherPid]) {
      for (const file of ['mem', 'maps', 'environ', 'fd', 'auxv']) {
        expect(await intruder.does('read', { path: `/proc/${pid}/${file}` }), file).toMatch(/^(EACCES|EPERM)$/);
      }
    }
  });

  test('opens no debugger, which anybody could use, when its own user asks for one', async () => {
    const intruder = await agent.intruder(agent.status('Uid'));
    expect(await intruder.does('signal', { pid: agent.pid, signal: 'SIGUSR1' })).toBe('true');
    const listening = agent
      .proc('net/tcp')
      .split('\n')
      .filter((line) => / 0100007F:240D 0+:0+ 0A /.test(line));
    expect(listening).toEqual([]);
    await logIsWritten();
    expect(agent.log).not.toContain('Debugger');
    // SIGUSR1 is the tenth.
    expect((BigInt(`0x${rowOf(agent.proc('status'), 'SigIgn')}`) >> 9n) & 1n).toBe(1n);
    // Before it has come so far, too.
    expect(agent.proc('cmdline').split('\0')).toContain('--disable-sigusr1');
  });

  test('has no core, no secret among its arguments and variables, no file of others', () => {
    expect(agent.proc('limits')).toMatch(/Max core file size +0 +0/);
    expect(agent.proc('cmdline').split('\0').slice(-5, -1)).toEqual(['--config', agent.configuration, '--idle', '30']);
    expect(agent.proc('environ')).not.toMatch(/SECRET|NODE_OPTIONS/);
    const files = descriptors().map((fd) => readlinkSync(`/proc/${agent.pid}/fd/${fd}`));
    expect(files.filter((file) => !/^(socket|pipe|anon_inode):|^\/dev\/null$/.test(file))).toEqual([]);
  });

  test('refuses a process of another user, and tells it why', async () => {
    const stranger = await agent.intruder(STRANGER);
    expect(await stranger.does('greet', { socket: agent.socket })).toMatch(
      /^6 a process of user id 65534 is not admitted to the agent; hint: .*agent\.allowedUsers/,
    );
  });

  test('gives a ticket that is in no line of its log, no argument, no variable', async () => {
    const caller = await Caller.connect(agent.socket);
    const ticket = Buffer.from((await caller.hello())?.fields?.ticket ?? []);
    expect(ticket).toHaveLength(64);
    expect(await caller.call('getSlotList', { tokenPresent: false })).toMatchObject({ rv: 0 });
    await until('a line about the call', () => agent.log.includes('C_GetSlotList'));
    caller.end();
    for (const spelling of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      for (const text of [agent.log, agent.proc('cmdline'), agent.proc('environ')]) {
        expect(text.includes(ticket.toString(spelling).slice(0, 40))).toBe(false);
      }
    }
  });

  test('serves others while a crowd of another user says nothing', async () => {
    const stranger = await agent.intruder(STRANGER);
    await stranger.does('hold', { socket: agent.socket, connections: 400 });
    await until('the oldest made room', () => agent.log.includes('its user has too many that say no hello'));
    await until('no more than may stay', () => descriptors().length < 256 + 40);
    (await admitted()).end();
    stranger.leave();
  });

  test('writes no line for each of many that talk nonsense', async () => {
    const stranger = await agent.intruder(STRANGER);
    await logIsWritten();
    const [before, startMs] = [agent.log.length, performance.now()];
    let closed: string[] = [];
    // The crowd before may have had the line of this second.
    while (closed.length === 0) {
      await stranger.does('babble', { socket: agent.socket, connections: 300 });
      await logIsWritten();
      const lines = agent.log.slice(before).split('\n');
      closed = lines.filter((line) => line.includes('closed') && line.includes('above the limit of 1024'));
    }
    const seconds = (performance.now() - startMs) / 1000;
    // One a second, however fast this machine is.
    expect(closed.length).toBeLessThanOrEqual(1 + Math.floor(seconds));
  });

  test('keeps its size while admitted peers ask for much and read nothing, and serves others', async () => {
    const CROWD = 20;
    const ROUNDS = 50;
    const request = { session: 1, length: 512 * 1024 };
    const start = agent.log.length;
    const made = () => agent.log.slice(start).split('C_GenerateRandom').length - 1;
    const other = await admitted();
    const peers: Caller[] = [];
    for (let i = 0; i < CROWD; i++) {
      const peer = await admitted();
      expect(await peer.call('openSession', { session: 1, slot: 0, flags: 4 })).toMatchObject({ rv: 0 });
      peers.push(peer);
    }
    const [before, open] = [agent.status('VmRSS'), descriptors().length];
    for (const peer of peers) peer.stopReading();
    for (const peer of peers) peer.ask('generateRandom', request);
    await until('an answer for each', () => made() === CROWD);
    let most = 0;
    for (let i = 1; i < ROUNDS; i++) {
      for (const peer of peers) peer.ask('generateRandom', request);
      expect(await other.call('getSlotList', { tokenPresent: false })).toMatchObject({ rv: 0 });
      most = Math.max(most, agent.status('VmRSS') - before);
    }
    await logIsWritten();
    // One answer each, of 10 MiB together; what was asked for is 500 MiB. And none of it because they were thrown out.
    expect(made()).toBe(CROWD);
    expect(descriptors().length).toBeGreaterThanOrEqual(open);
    expect(most).toBeLessThan(150 * MIB);
    for (const peer of peers) {
      peer.readAgain();
      expect((await peer.answer('generateRandom'))?.fields?.bytes).toHaveLength(request.length);
    }
    for (const peer of [...peers, other]) peer.end();
  });

  test('keeps its size whatever is given to it as PINs', async () => {
    const caller = await admitted();
    expect(await caller.call('openSession', { session: 1, slot: 0, flags: 4 })).toMatchObject({ rv: 0 });
    const before = agent.status('VmRSS');
    for (let i = 0; i < 30; i++) {
      const pin = Buffer.from(`${i}:${'€'.repeat(300 * 1024)}`);
      expect((await caller.call('resumeLogin', { slot: 0, userType: 1, pin }))?.rv).toBe(CKR_PIN_INCORRECT);
    }
    expect(agent.status('VmRSS') - before).toBeLessThan(100 * MIB);
    caller.end();
  });

  test('opens so many sessions for the processes of one user, and not one more', async () => {
    const caller = await admitted();
    let rv: number | undefined = 0;
    let session = 0;
    while (rv === 0 && session <= MOST_SESSIONS) {
      rv = (await caller.call('openSession', { session: ++session, slot: 0, flags: 4 }))?.rv;
    }
    expect([rv, session]).toEqual([CKR_SESSION_COUNT, MOST_SESSIONS + 1]);
    caller.end();
  });
});
