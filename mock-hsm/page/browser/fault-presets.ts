// The faults that one wants most often, each a switch. `fault` is the body of POST /mock/faults.
import type { FaultView } from '../api.ts';

export interface FaultPreset {
  readonly title: string;
  readonly note: string;
  readonly fault: Readonly<Record<string, unknown>>;
}

export const faultPresets: readonly FaultPreset[] = [
  {
    title: 'Service unavailable',
    note: 'Every request is answered with 503.',
    fault: { status: 503, times: 'always' },
  },
  {
    title: 'Some internal errors',
    note: 'One request in ten is answered with 500.',
    fault: { status: 500, probability: 0.1, times: 'always' },
  },
  {
    title: 'Throttled',
    note: 'Every request is answered with 429 and Retry-After: 1.',
    fault: { status: 429, retryAfterS: 1, times: 'always' },
  },
  { title: 'Slow', note: 'Every request waits 2 seconds first.', fault: { delayMs: 2000, times: 'always' } },
  {
    title: 'Slow now and then',
    note: 'One request in a hundred waits 5 seconds first.',
    fault: { delayMs: 5000, probability: 0.01, times: 'always' },
  },
  {
    title: 'Connections cut',
    note: 'The connection closes instead of an answer.',
    fault: { cut: 'before', times: 'always' },
  },
  {
    title: 'Some answers lost',
    note: 'One request in ten is carried out, then the connection closes without an answer.',
    fault: { cut: 'processed', probability: 0.1, times: 'always' },
  },
  {
    title: 'Half an answer',
    note: 'The connection closes in the middle of the answer.',
    fault: { cut: 'midway', times: 'always' },
  },
  {
    title: 'Silence',
    note: 'The connection stays open and no answer comes.',
    fault: { silent: true, times: 'always' },
  },
  {
    title: 'No keep-alive',
    note: 'Every connection serves one request.',
    fault: { lastRequest: true, times: 'always' },
  },
  {
    title: 'Token endpoint down',
    note: 'Nobody gets a token: 503. Tokens that were given stay good.',
    fault: { operation: 'token', status: 503, times: 'always' },
  },
  {
    title: 'Slow TLS handshakes',
    note: 'Each new connection waits 2 seconds before TLS; this page is not spared.',
    fault: { operation: 'handshake', delayMs: 2000, times: 'always' },
  },
];

const progress = new Set(['id', 'struck', 'left']);

/** Whether the fault that waits is what the preset switches on. */
export function isFrom({ fault }: FaultPreset, waiting: FaultView): boolean {
  const given = Object.entries(waiting).filter(([name]) => !progress.has(name));
  return given.length === Object.keys(fault).length && given.every(([name, value]) => fault[name] === value);
}
