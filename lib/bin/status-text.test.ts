import { expect, test } from 'vitest';
import type { AgentStatus } from '../agent/status.ts';
import { durationText, statusText } from './status-text.ts';

test.each([
  [0, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [3661, '1 h 1 min'],
  [200_000, '2 d 7 h'],
  [-5, '0 s'],
])('%d seconds read as %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

const status: AgentStatus = {
  pid: 4711,
  uid: 998,
  version: '1.2.3',
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeSeconds: 100,
  configuration: { file: '/etc/mhsm-pkcs11.conf', changed: false, problem: 'no such token; hint: name one' },
  slots: [
    {
      slotId: 1,
      label: 'my\u001b[2Jhsm',
      url: 'https://myhsm.managedhsm.azure.net',
      maxConnections: 20,
      connections: 1,
      busyConnections: 0,
      queued: 2,
      signatures: { made: 10, failed: 1, last: { key: 'web', at: '2026-01-01T00:01:30.000Z' } },
      identities: [
        { name: 'client a', tokenAgeSeconds: 3700, tokenLeftSeconds: -100, keyListAgeSeconds: null, keys: null },
      ],
    },
  ],
  clients: [],
  recent: [{ at: '2026-01-01T00:00:50.000Z', level: 'error', line: 'sign: no answer\nevil', times: 7 }],
};

test('a person reads the whole state; nothing from elsewhere makes a line of its own', () => {
  expect(statusText(status, Date.parse('2026-01-01T00:01:40Z'))).toBe(
    `agent 4711, version 1.2.3, as user id 998, for 1 min 40 s
  configuration  /etc/mhsm-pkcs11.conf
  serves nobody  no such token; hint: name one
  clients        none
slot 1, my\\x1b[2Jhsm, https://myhsm.managedhsm.azure.net
  connections  1 of at most 20, 0 busy; 2 request(s) wait
  signatures   10 made, 1 failed, the last one 10 s ago with web
  client a     token ended 1 min 40 s ago, no key list yet
errors and warnings, the newest first
  2026-01-01T00:00:50.000Z  error, 7×: sign: no answer\\x0aevil
`,
  );
});
