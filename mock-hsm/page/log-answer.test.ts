import { expect, test } from 'vitest';
import { RequestLog } from '../traffic/request-log.ts';
import { logAnswer } from './log-answer.ts';

const names: Record<string, string> = { 'id-1': 'NGINX', 'id-2': 'KEYGEN' };

function logOf(...entries: { operation: string; status: number; principal?: string; reason?: string; key?: string }[]) {
  const log = new RequestLog();
  for (const entry of entries) log.add({ time: '', method: 'POST', path: '/', durationMs: 1, connection: 1, ...entry });
  return log;
}

const log = logOf(
  { operation: 'sign', status: 200, principal: 'id-1', key: 'web' },
  { operation: 'sign', status: 403, principal: 'id-2', reason: 'no role assignment' },
  { operation: 'get', status: 404, principal: 'id-1', key: 'sign-403' },
  { operation: 'list', status: 401 },
);

const found = (filter: string, after = 0) =>
  logAnswer(log, { after, filter }, (id) => names[id]).lines.map(({ sequence }) => sequence);

test.each([
  ['', [1, 2, 3, 4]],
  ['sign', [1, 2, 3]],
  ['operation:sign', [1, 2]],
  ['status:403', [2]],
  ['nginx', [1, 3]],
  ['NGINX status:404', [3]],
  ['no role', [2]],
  ['colour:red', []],
])('the filter %j finds the lines %j', (filter, sequences) => {
  expect(found(filter)).toEqual(sequences);
});

test('asking again from where an answer ended gives what came since, matching or not', () => {
  const { last } = logAnswer(log, { after: 0, filter: 'status:403' }, () => undefined);
  expect(last).toBe(4);
  expect(found('', last)).toEqual([]);
  expect(logAnswer(log, { after: last, filter: '' }, () => undefined).last).toBe(last);
});

test('of many lines the newest 200 are given, oldest first', () => {
  const many = logOf(...Array.from({ length: 500 }, () => ({ operation: 'sign', status: 200 })));
  const { lines, last } = logAnswer(many, { after: 0, filter: '' }, () => undefined);
  expect([lines.length, lines[0]?.sequence, lines.at(-1)?.sequence, last]).toEqual([200, 301, 500, 500]);
});
