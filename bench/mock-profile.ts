/**
 * How near the mock comes to the capacity that its profile standard-b1 promises, by key type and connections; and what
 * the same machine does without a profile, which is the most that can be seen here.
 *
 *   node bench/mock-profile.ts --seconds 4 --latency 0ms --scale 1
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Child } from './child.ts';
import { MockCaller, newDataFolder, startMock } from './mock-process.ts';
import type { LoadOrder, LoadResult } from './sign-load.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    latency: { type: 'string', default: '0ms' },
    /** 0.1 asks for a tenth of each published rate: where the processor is the limit, the model can still be seen. */
    scale: { type: 'string', default: '1' },
  },
});

/** Published signatures a second of one partition, and the key that is asked for them. */
const keys = [
  { name: 'RSA-4096', alg: 'RS256', published: 150, body: { kty: 'RSA-HSM', key_size: 4096 } },
  { name: 'P-256', alg: 'ES256', published: 330, body: { kty: 'EC-HSM', crv: 'P-256' } },
  { name: 'RSA-3072', alg: 'RS256', published: 340, body: { kty: 'RSA-HSM', key_size: 3072 } },
  { name: 'RSA-2048', alg: 'RS256', published: 900, body: { kty: 'RSA-HSM', key_size: 2048 } },
] as const;

const partitions = 3;
const lanes = 30;
const connectionCounts = [1, 10, 30, 60] as const;

async function rate(order: LoadOrder): Promise<number> {
  // A program for each: it keeps the connections of its first order.
  const load = new Child('./sign-load.ts');
  await load.ask<LoadResult>({ ...order, durationMs: 500 });
  const { requests, durationMs, failure } = await load.ask<LoadResult>(order);
  await load.stop();
  if (failure !== undefined) throw new Error(`${order.path} answered ${failure}`);
  return (requests / durationMs) * 1000;
}

async function main(): Promise<void> {
  const folder = newDataFolder();
  const mock = await startMock(folder);
  const caller = await MockCaller.signIn(mock, folder);
  process.stdout.write(`node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}\n`);
  process.stdout.write('key       connections   model/s   standard-b1/s   share   without profile/s\n');
  for (const { name, alg, published, body } of keys) {
    const perPartition = published * Number(flags.scale);
    const capacity = { [`sign:${name}`]: perPartition };
    await caller.call('POST', `/keys/${name}/create`, body);
    for (const connections of connectionCounts) {
      const order: LoadOrder = {
        origin: mock.url,
        caPem: mock.caPem,
        connections,
        path: `/keys/${name}/sign?api-version=7.4`,
        headers: { 'content-type': 'application/json', authorization: caller.authorization },
        body: JSON.stringify({ alg, value: Buffer.alloc(32, 7).toString('base64url') }),
        durationMs: Number(flags.seconds) * 1000,
      };
      await caller.call('PUT', '/mock/profile', {});
      const unbound = await rate(order);
      await caller.call('PUT', '/mock/profile', { profile: 'standard-b1', latency: flags.latency, capacity });
      const paced = await rate(order);
      const latencyS = lanes / partitions / perPartition + Number.parseFloat(flags.latency) / 1000;
      const model = Math.min(partitions * perPartition, connections / latencyS);
      process.stdout.write(
        `${name.padEnd(9)} ${String(connections).padStart(11)} ${model.toFixed(0).padStart(9)} ` +
          `${paced.toFixed(0).padStart(15)} ${(paced / model).toFixed(2).padStart(7)} ${unbound.toFixed(0).padStart(19)}\n`,
      );
    }
  }
  await caller.close();
  await mock.stop();
}

await main();
