// The client of a measurement: as many requests as fit on its kept-alive connections, one at a time on each.
//
// A program of its own. It takes orders by IPC and answers each with what it counted.
import { Pool } from 'undici';

export interface LoadOrder {
  /** Origin of the server; its connections are kept for the next order. */
  readonly origin: string;
  readonly caPem: string;
  readonly connections: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly durationMs: number;
  /** The first answer that was not 200. */
  readonly failure?: string;
}

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
  let requests = 0;
  let failure: string | undefined;
  const startedMs = performance.now();
  const lane = async () => {
    while (performance.now() - startedMs < order.durationMs && failure === undefined) {
      const response = await pool.request({ method: 'POST', path, headers, body });
      const text = await response.body.text();
      if (response.statusCode !== 200) failure = `${response.statusCode} ${text}`;
      requests += 1;
    }
  };
  await Promise.all(Array.from({ length: order.connections }, lane));
  const durationMs = performance.now() - startedMs;
  return { requests, durationMs, ...(failure === undefined ? {} : { failure }) };
}

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ requests: 0, durationMs: 1, failure: String(error) } satisfies LoadResult),
  );
});

process.on('disconnect', () => process.exit());
