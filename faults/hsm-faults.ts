import type { Fault, Struck } from './fault.ts';
import type { Scene } from './scene.ts';

const AT_ONCE = { failed: 'while it lasts', wait: 'moments', established: 'go on' } as const;
const AFTER_THE_DEADLINE = { failed: 'while it lasts', wait: 'deadline', established: 'go on' } as const;
const UNNOTICED = { failed: 'none', wait: 'moments', established: 'go on' } as const;

type FaultOfMock = Readonly<Record<string, string | number | boolean>>;

/** Asks mock-hsm for faults of its own; takes them back at the end. */
function mockDoes(...faults: readonly FaultOfMock[]): Fault['strike'] {
  return async ({ offload: { mock } }: Scene): Promise<Struck> => {
    for (const fault of faults) await mock.control('POST', 'faults', fault);
    const end = async () => {
      await mock.control('DELETE', 'faults');
    };
    return { end };
  };
}

/** A signal that stops mock-hsm leaves its connections open and unanswered, as a firewall that drops everything does. */
async function standStill({ offload: { mock } }: Scene): Promise<Struck> {
  const { pid } = mock;
  if (pid === undefined) throw new Error('mock-hsm does not run');
  process.kill(pid, 'SIGSTOP');
  const end = async () => {
    process.kill(pid, 'SIGCONT');
  };
  return { end };
}

/** Each at a place of its own in the exchange; what may be sent again is, so clients notice none. */
const CUTS: readonly Fault[] = (
  [
    ['before the request is read', { cut: 'before' }],
    ['after the signature, before the answer', { cut: 'processed' }],
    ['in the middle of the answer', { cut: 'midway' }],
    ['after the answer', { cut: 'after' }],
    ['by a reset', { cut: 'before', reset: true }],
  ] as const
).map(([where, how]) => ({
  name: `connections cut ${where}`,
  what: `every fifth connection that asks for a signature ends ${where}`,
  lastsMs: { whole: 10_000, short: 1000 },
  strike: mockDoes({ operation: 'sign', probability: 0.2, ...how }),
  bound: UNNOTICED,
  log: undefined,
}));

/** The HSM, and the way to it. */
export const HSM_FAULTS: readonly Fault[] = [
  {
    name: 'HSM restarted',
    what: 'the HSM is killed and starts again',
    times: 5,
    strike: async ({ offload: { mock } }) => {
      await mock.end('SIGKILL');
      await mock.startAgain();
      return {};
    },
    bound: AT_ONCE,
    log: /cannot reach https:\/\/\S+: ECONNREFUSED/,
  },
  {
    name: 'HSM refuses connections',
    what: 'nothing listens at the address of the HSM for 30 s, and its connections end',
    lastsMs: { whole: 30_500, short: 1500 },
    strike: async ({ offload: { mock } }, form) => {
      await mock.control('POST', 'outage', { forMs: form === 'short' ? 1000 : 30_000, cut: true });
      return {};
    },
    bound: AT_ONCE,
    log: /cannot reach https:\/\/\S+: ECONNREFUSED/,
  },
  {
    name: 'HSM silent',
    what: 'the HSM stays silent for 30 s: connections stay open, nothing is answered',
    lastsMs: { whole: 30_000, short: 9500 },
    strike: standStill,
    bound: AFTER_THE_DEADLINE,
    log: /https:\/\/\S+ did not answer in time/,
  },
  {
    name: '429 storm',
    what: 'every signature is refused with 429 and Retry-After: 1 for 30 s',
    lastsMs: { whole: 30_000, short: 3000 },
    strike: mockDoes({ operation: 'sign', status: 429, retryAfterS: 1, times: 'always' }),
    bound: AFTER_THE_DEADLINE,
    log: / with 429/,
  },
  {
    name: '5xx burst',
    what: 'every signature is answered with 503 for 10 s',
    lastsMs: { whole: 10_000, short: 2000 },
    strike: mockDoes({ operation: 'sign', status: 503, times: 'always' }),
    bound: AT_ONCE,
    log: / with 503/,
  },
  {
    name: '5xx now and then',
    what: 'every fifth signature is answered with 500 for 10 s',
    lastsMs: { whole: 10_000, short: 1000 },
    strike: mockDoes({ operation: 'sign', status: 500, probability: 0.2 }),
    bound: UNNOTICED,
    log: undefined,
  },
  ...CUTS,
];
