import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { HsmIdentity } from '../core/hsm.ts';
import { InterceptedAzure, json, VERSION } from './intercepted-azure.ts';

const azure = new InterceptedAzure();
beforeAll(() => azure.enable());
afterEach(() => azure.reset());
afterAll(() => azure.disable());

const sign = (identity: HsmIdentity, key: number) =>
  identity.sign(`k${key}`, VERSION, 'RS256', new Uint8Array(32)).then(
    () => 'signed',
    ({ message }: Error) => message,
  );
const keys = (count: number) => Array.from({ length: count }, (_, i) => i);
const askedKeys = () => azure.asked.map(({ path }) => Number(/^\/keys\/k(\d+)\//.exec(path)?.[1]));

/** Answers that come when the test lets them. */
function held() {
  const waiting: (() => void)[] = [];
  azure.answer = () => new Promise((resolve) => waiting.push(() => resolve(json({ value: 'AQID' }))));
  return waiting;
}

test('never more than MaxConnections are on their way, and who came first is served first', async () => {
  const identity = await azure.loggedIn({ ConnectionCache: { MaxConnections: 3 } });
  const waiting = held();
  const outcomes = Promise.all(keys(30).map((key) => sign(identity, key)));
  for (let served = 0; served < 30; served++) {
    await vi.waitFor(() => expect(waiting.length).toBe(Math.min(3, 30 - served)));
    expect(azure.asked.length - served).toBeLessThanOrEqual(3);
    waiting.shift()?.();
    await vi.waitFor(() => expect(azure.asked.length).toBe(Math.min(30, served + 4)));
  }
  expect(await outcomes).toEqual(keys(30).map(() => 'signed'));
  // Three at once may reach the HSM in any order among themselves.
  for (const [place, key] of askedKeys().entries()) expect(Math.abs(place - key)).toBeLessThan(3);
});

test('who left at the deadline costs no request, and takes no place from who comes later', async () => {
  const transport = azure.transport(1);
  const ask = (key: number, deadlineMs: number) => {
    const request = { method: 'GET', path: `/keys/k${key}/`, authorization: 'Bearer t', repeatable: true } as const;
    return transport.request({ ...request, deadlineMs }).catch((reason: unknown) => reason);
  };
  const waiting = held();
  const first = ask(0, 60_000);
  const impatient = await Promise.all([1, 2, 3].map((key) => ask(key, 100)));
  expect(impatient).toEqual(impatient.map(() => expect.objectContaining({ reason: 'queue', sent: false })));
  const later = ask(4, 60_000);
  for (const next of [first, later]) {
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    waiting.shift()?.();
    expect(await next).toMatchObject({ status: 200 });
  }
  expect(askedKeys()).toEqual([0, 4]);
});

test('a hundred requests a connection may wait; who is one too many is told at once, and the others are served', async () => {
  const identity = await azure.loggedIn({ timeouts: { requestMs: 600_000 } });
  // Behind it the connection is open and nobody waits.
  await identity.listKeys();
  const waiting = held();
  const outcomes = Promise.all(keys(102).map((key) => sign(identity, key)));
  await vi.waitFor(() => expect(waiting.length).toBe(1));
  azure.answer = () => json({ value: 'AQID' });
  waiting[0]?.();
  const told = await outcomes;
  expect(told.filter((outcome) => outcome === 'signed')).toHaveLength(101);
  expect(told[101]).toMatch(/too many requests wait for/);
});

test('fewer may wait for an HSM that takes long: who could not be served in time is told at once', async () => {
  const identity = await azure.loggedIn({ timeouts: { requestMs: 1500 } });
  azure.answer = () => new Promise((resolve) => setTimeout(() => resolve(json({ value: 'AQID' })), 100));
  for (const key of keys(15)) await sign(identity, key);
  const outcomes = await Promise.all(keys(30).map((key) => sign(identity, key)));
  expect(outcomes[0]).toBe('signed');
  expect(outcomes.at(-1)).toMatch(/too many requests wait for/);
});

test('what takes long for other reasons, as making a key, leaves room for as many signatures as before', async () => {
  const identity = await azure.loggedIn({ timeouts: { requestMs: 10_000 } });
  azure.answer = () => json({ value: 'AQID' });
  for (const key of keys(5)) await sign(identity, key);
  azure.answer = () => new Promise((resolve) => setTimeout(() => resolve(json({ value: [] })), 2000));
  await identity.listKeys();
  const waiting = held();
  const outcomes = Promise.all(keys(30).map((key) => sign(identity, key)));
  await vi.waitFor(() => expect(waiting.length).toBe(1));
  azure.answer = () => json({ value: 'AQID' });
  waiting[0]?.();
  expect(await outcomes).toEqual(keys(30).map(() => 'signed'));
});

test('a request that is to be sent again stands at the end of the queue, and is served too', async () => {
  const identity = await azure.loggedIn();
  azure.answer = (_asked, nth) => (nth === 1 ? json({}, 503) : json({ value: 'AQID' }));
  const outcomes = await Promise.all(keys(5).map((key) => sign(identity, key)));
  expect(outcomes).toEqual(keys(5).map(() => 'signed'));
  expect(askedKeys()).toEqual([0, 1, 2, 3, 4, 0]);
});
