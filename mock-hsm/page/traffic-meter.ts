// Traffic of the last minutes, a sample a second. It reads the request log, so that requests pay nothing for it.
import type { RequestEntry, RequestLog } from '../traffic/request-log.ts';
import type { Outcome, TrafficSample } from './api.ts';

/** Five minutes. */
const maxSamples = 300;

export interface Gauges {
  readonly connections: number;
  readonly queued: number;
}

export class TrafficMeter {
  readonly #log: RequestLog;
  readonly #gauges: () => Gauges;
  #samples: TrafficSample[] = [];
  #lastMs: number;
  #lastSequence: number;

  /** @param startMs milliseconds since 1970, as all times here */
  constructor(log: RequestLog, gauges: () => Gauges, startMs: number) {
    this.#log = log;
    this.#gauges = gauges;
    this.#lastMs = startMs;
    this.#lastSequence = log.after(0).at(-1)?.sequence ?? 0;
  }

  /** Sums up what the log got since the last time. When that is more than the log keeps, percentiles are of what it keeps. */
  sample(nowMs: number): void {
    const entries = this.#log.after(this.#lastSequence);
    const sequence = entries.at(-1)?.sequence ?? this.#lastSequence;
    const latencyMs = percentiles(entries);
    this.#samples.push({
      timeMs: nowMs,
      spanMs: nowMs - this.#lastMs,
      requests: sequence - this.#lastSequence,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...this.#gauges(),
      outcomes: outcomesOf(entries),
    });
    if (this.#samples.length > maxSamples) this.#samples = this.#samples.slice(-maxSamples);
    this.#lastMs = nowMs;
    this.#lastSequence = sequence;
  }

  /** Samples taken after that time, oldest first. */
  since(timeMs: number): TrafficSample[] {
    return this.#samples.filter((sample) => sample.timeMs > timeMs);
  }
}

function percentiles(entries: readonly RequestEntry[]): TrafficSample['latencyMs'] {
  if (entries.length === 0) return undefined;
  const sorted = entries.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const rank = (percent: number) => sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? 0;
  return { p50: rank(50), p95: rank(95), p99: rank(99) };
}

function outcomesOf(entries: readonly RequestEntry[]): Outcome[] {
  const groups = Map.groupBy(entries, ({ operation, status }) => `${operation} ${status}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const durationMs = group.reduce((sum, entry) => sum + entry.durationMs, 0);
    return [{ operation: first.operation, status: first.status, requests: group.length, durationMs }];
  });
}
