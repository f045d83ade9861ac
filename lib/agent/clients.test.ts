import { expect, test } from 'vitest';
import { Clients } from './clients.ts';

const instance = Uint8Array.of(1, 2, 3);
const peer = { pid: 100, uid: 33, gid: 33 };

function countingClients(): Clients<number> {
  let created = 0;
  return new Clients<number>(() => ++created);
}

test('connections of one instance share an application until the last one closes', () => {
  const clients = countingClients();
  const first = clients.join(instance, peer);
  const second = clients.join(instance, peer);
  expect([first.application, second.application]).toEqual([1, 1]);
  expect([first.known, second.known]).toEqual([false, true]);
  first.release();
  expect(clients.size).toBe(1);
  second.release();
  expect(clients.size).toBe(0);
});

test('an instance that comes back after its last connection is a new application', () => {
  const clients = countingClients();
  clients.join(instance, peer).release();
  expect(clients.join(instance, peer)).toMatchObject({ application: 2, known: false });
});

test('another process cannot join an instance, whatever its user', () => {
  const clients = countingClients();
  clients.join(instance, peer);
  expect(() => clients.join(instance, { ...peer, pid: 101 })).toThrow(
    /process 101 used the instance id of process 100/,
  );
  expect(() => clients.join(instance, { ...peer, uid: 0 })).toThrow(/instance id/);
});
