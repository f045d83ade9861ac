// The options that say how fast the pool is, what goes wrong with it, and what is written down about it.
import { InvalidArgumentError } from 'commander';
import { durationMs, readLatency } from '../profile/durations.ts';
import { profileNames, readCapacity } from '../profile/settings.ts';
import { readClock } from '../traffic/clock-changes.ts';
import { readFault } from '../traffic/fault-flag.ts';
import type { FaultRequest } from '../traffic/fault-model.ts';
import type { OptionRow } from './option-row.ts';
import { whole } from './option-values.ts';

/** Shows the error of a reader with its option. */
const reading =
  <Value>(read: (text: string, before?: Value) => Value) =>
  (text: string, before?: Value): Value => {
    try {
      return read(text, before);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };

const profileName = (text: string): string => {
  if (!profileNames.some((name) => name === text)) throw new Error(`It must be one of ${profileNames.join(', ')}.`);
  return text;
};

const latency = (text: string): string => {
  if (readLatency(text) === undefined) throw new Error('It must be a time such as 5ms or 5ms±1ms.');
  return text;
};

const idleTimeout = (text: string): number => {
  const ms = durationMs(text);
  if (ms === undefined || ms < 0 || ms > 86_400_000) throw new Error('It must be a time such as 30s or 10m.');
  return ms;
};

export const trafficOptions: readonly OptionRow[] = [
  {
    field: 'logFile',
    flags: '--log-file <file>',
    description: 'appends the request log as JSON lines; - is standard error',
    group: 'Server',
    read: String,
  },
  {
    field: 'profile',
    flags: '--profile <name>',
    description: 'standard-b1: as fast as Microsoft publishes, crypto waits and administration is throttled',
    group: 'Capacity and latency',
    read: reading(profileName),
    standard: 'none, as fast as it goes',
  },
  {
    field: 'latency',
    flags: '--latency <time>',
    description: 'what the network adds to each answer, there and back: 5ms, or with a spread 5ms±1ms',
    group: 'Capacity and latency',
    read: reading(latency),
    standard: '0ms',
  },
  {
    field: 'capacity',
    flags: '--capacity <operation=rate>',
    description: 'operations a second of one partition, e.g. sign:RSA-2048=1100, or of the pool: create=5; repeatable',
    group: 'Capacity and latency',
    read: reading(readCapacity),
  },
  {
    field: 'partitions',
    flags: '--partitions <number>',
    description: 'partitions that are up',
    group: 'Capacity and latency',
    read: whole(1, 3),
    standard: '3',
  },
  {
    field: 'faults',
    flags: '--fault <operation:setting,…>',
    description: 'a fault from the start on, e.g. sign:status=503,times=3,retry-after=1; repeatable; see below',
    group: 'Faults and clock',
    read: reading((text, before: readonly FaultRequest[] = []) => [...before, readFault(text)]),
  },
  {
    field: 'clock',
    flags: '--clock <time>',
    description: 'what the clock is: +2h, -30m, 2030-01-01T00:00:00Z; stands still with ,frozen',
    group: 'Faults and clock',
    read: reading((text) => readClock(text)),
  },
  {
    field: 'idleTimeoutMs',
    flags: '--idle-timeout <time>',
    description: 'how long an idle connection stays open',
    group: 'Faults and clock',
    read: reading(idleTimeout),
    standard: '10m',
  },
  {
    field: 'maxRequestsPerConnection',
    flags: '--max-requests-per-connection <number>',
    description: 'after how many a connection is closed',
    group: 'Faults and clock',
    read: whole(1, 1_000_000),
    standard: 'never',
  },
  {
    field: 'seed',
    flags: '--seed <number>',
    description: 'makes chance repeatable: latencies, faults by rate',
    group: 'Faults and clock',
    read: whole(0, 999_999_999),
    standard: 'another one each time',
  },
];
