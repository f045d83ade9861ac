// The client of a measurement: as many requests as fit on its kept-alive connections, one at a time on each.
//
// A program of its own. It takes orders by IPC and answers each with what it counted.
import { setTimeout } from 'node:timers/promises';
import { Pool } from 'undici';
import { percentilesOf } from './plan/percentiles.ts';
import { rateOf } from './plan/rate.ts';

export interface LoadOrder {
  /** Origin of the server; its connections are kept for the next order. */
  readonly origin: string;
  readonly caPem: string;
  readonly connections: number;
  /** Requests at a time; as many as connections when absent. */
  readonly lanes?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly durationMs: number;
}

export interface LoadResult {
  /** Answers, whatever their status, and connections that were lost or refused. */
  readonly requests: number;
  readonly durationMs: number;
  /** Of status 200. */
  readonly count: number;
  /** The same a second, while all lanes load. */
  readonly perSecond: number;
  /** Of those of status 200. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly failures: number;
  /** The first answer that was not 200, or why there was none. */
  readonly failure?: string;
}

/** A server that refuses at once must not be asked as fast as it can refuse. */
const PAUSE_AFTER_FAILURE_MS = 1;

const pools = new Map<string, Pool>();

function poolFor({ origin, caPem, connections }: LoadOrder): Pool {
  const known = pools.get(origin);
  if (known !== undefined) return known;
  const pool = new Pool(origin, { connections, pipelining: 1, connect: { ca: caPem } });
  pools.set(origin, pool);
  return pool;
}

async function run(order: LoadOrder): Promise<LoadResult> {
  const pool = poolFor(order);
  const { path, headers, body } = order;
  const timesMs: number[] = [];
  const endsMs: number[] = [];
  const failures: string[] = [];
  const startedMs = performance.now();
  /** Why it failed; undefined when it did not. A lost connection must not end the lane: the others would load on alone. */
  const ask = async (): Promise<string | undefined> => {
    try {
      const response = await pool.request({ method: 'POST', path, headers, body });
      const text = await response.body.text();
      return response.statusCode === 200 ? undefined : `${response.statusCode} ${text}`;
    } catch (error) {
      return String(error);
    }
  };
  /** Gives when it stopped. */
  const lane = async () => {
    let nowMs = startedMs;
    while (nowMs - startedMs < order.durationMs) {
      const failure = await ask();
      if (failure === undefined) {
        timesMs.push(performance.now() - nowMs);
        endsMs.push(performance.now() - startedMs);
      } else {
        failures.push(failure);
        await setTimeout(PAUSE_AFTER_FAILURE_MS);
      }
      nowMs = performance.now();
    }
    return nowMs - startedMs;
  };
  const lanes = order.lanes ?? order.connections;
  const stoppedMs = await Promise.all(Array.from({ length: lanes }, lane));
  const [failure] = failures;
  return {
    requests: timesMs.length + failures.length,
    durationMs: performance.now() - startedMs,
    count: timesMs.length,
    perSecond: rateOf(endsMs, lanes, Math.min(...stoppedMs)),
    latencyMs: percentilesOf(timesMs),
    failures: failures.length,
    ...(failure === undefined ? {} : { failure }),
  };
}

const nothing = { requests: 0, durationMs: 1, count: 0, perSecond: 0, latencyMs: percentilesOf([]), failures: 1 };

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ ...nothing, failure: String(error) } satisfies LoadResult),
  );
});

process.on('disconnect', () => process.exit());
