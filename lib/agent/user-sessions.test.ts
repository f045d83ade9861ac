import { expect, test } from 'vitest';
import { UserSessions } from './user-sessions.ts';

test('the processes of a user share its sessions, and have them back when they close them or end', () => {
  const users = new UserSessions(2);
  const [one, two, other] = [users.of(33), users.of(33), users.of(34)];
  expect([one.take(), two.take(), two.take(), one.take()]).toEqual([true, true, false, false]);
  expect([other.take(), other.take(), other.take()]).toEqual([true, true, false]);
  one.give();
  expect([two.take(), two.take()]).toEqual([true, false]);
  two.end();
  expect([one.take(), one.take(), one.take()]).toEqual([true, true, false]);
});
