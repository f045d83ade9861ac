/**
 * How fast the mock signs, beside a bare node:https server that only calls crypto.sign (bare-server.ts says what it
 * does): same keys, same client, same run, rounds in turn, each of the three in a process of its own.
 *
 *   node bench/mock-speed.ts --connections 16 --rounds 30 --round-ms 400
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { BareSetting } from './bare-server.ts';
import { selfSigned } from './certificate.ts';
import { Child } from './child.ts';
import { cpuTimeUs } from './cpu-time.ts';
import { MockCaller, newDataFolder, startMock } from './mock-process.ts';
import type { LoadOrder, LoadResult } from './sign-load.ts';

const { values: flags } = parseArgs({
  options: {
    connections: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '30' },
    'round-ms': { type: 'string', default: '400' },
    /** For a profile of the mock, e.g. --node-flag=--cpu-prof --node-flag=--cpu-prof-dir=/tmp. */
    'node-flag': { type: 'string', multiple: true, default: [] },
  },
});
const rounds = Number(flags.rounds);
const durationMs = Number(flags['round-ms']);
const connections = Number(flags.connections);

/** What shall be reached, of the bare server's rate. */
const target = 0.8;

interface Contest {
  readonly name: string;
  readonly alg: string;
  readonly key: KeyObject;
}

const contests: readonly Contest[] = [
  { name: 'RSA 2048, RS256', alg: 'RS256', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
  { name: 'P-256, ES256', alg: 'ES256', key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
];

interface Server {
  readonly pid: number;
  readonly order: LoadOrder;
}

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
}

async function round(load: Child, { pid, order }: Server): Promise<Round> {
  const before = cpuTimeUs(pid) ?? Number.NaN;
  const { requests, durationMs: tookMs, failure } = await load.ask<LoadResult>(order);
  if (failure !== undefined) throw new Error(`${order.origin}${order.path} answered ${failure}`);
  return {
    perSecond: (requests / tookMs) * 1000,
    cpuUs: ((cpuTimeUs(pid) ?? Number.NaN) - before) / requests,
  };
}

/** Bare server and mock in turn, in many short rounds, so that whatever else the machine does meets both. */
async function contend({ name }: Contest, load: Child, bare: Server, mock: Server): Promise<number> {
  // Connections, just-in-time compiler and the mock's caches get warm first.
  for (const server of [bare, mock]) await round(load, { ...server, order: { ...server.order, durationMs: 1000 } });
  const pairs: { bare: Round; mock: Round }[] = [];
  for (let i = 0; i < rounds; i += 1) pairs.push({ bare: await round(load, bare), mock: await round(load, mock) });
  const ratios = pairs.map((pair) => pair.mock.perSecond / pair.bare.perSecond).sort((a, b) => a - b);
  const ratio = median(ratios);
  const rate = (side: 'bare' | 'mock') => {
    const perSecond = median(pairs.map((pair) => pair[side].perSecond)).toFixed(0);
    const cpuUs = median(pairs.map((pair) => pair[side].cpuUs)).toFixed(0);
    return `${side} ${perSecond.padStart(5)}/s (${cpuUs} µs of processor each)`;
  };
  const spread = `${ratios[0]?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)}`;
  const verdict = ratio >= target ? 'reached' : 'MISSED';
  process.stdout.write(
    `${name}: ${rate('bare')}, ${rate('mock')}, ratio ${ratio.toFixed(2)} (${spread} in ${rounds} rounds); ` +
      `target ${target}: ${verdict}\n`,
  );
  return ratio;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const folder = newDataFolder();
  const mock = await startMock(folder, flags['node-flag']);
  const load = new Child('./sign-load.ts');
  const caller = await MockCaller.signIn(mock, folder);
  const [model] = cpus();
  process.stdout.write(
    `node ${process.version}, ${availableParallelism()} × ${model?.model ?? 'unknown processor'}; ` +
      `${connections} connections, ${rounds} rounds of ${durationMs} ms each\n`,
  );
  let worst = Number.POSITIVE_INFINITY;
  for (const contest of contests) {
    const { alg, key } = contest;
    const tls = selfSigned();
    const bare = new Child('./bare-server.ts');
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const port = await bare.ask<number>({ keyPem, tls } satisfies BareSetting);
    const jwk = key.export({ format: 'jwk' });
    await caller.call('PUT', `/keys/${alg}`, { key: { ...jwk, kty: `${jwk.kty}-HSM` } });
    const shared = {
      connections,
      durationMs,
      headers: { 'content-type': 'application/json', authorization: caller.authorization },
      body: JSON.stringify({ alg, value: Buffer.alloc(32, 7).toString('base64url') }),
    };
    const bareOrder = { ...shared, origin: `https://localhost:${port}`, caPem: tls.cert, path: '/' };
    const path = `/keys/${alg}/sign?api-version=7.4`;
    const mockOrder = { ...shared, origin: mock.url, caPem: mock.caPem, path };
    worst = Math.min(
      worst,
      await contend(contest, load, { pid: bare.pid, order: bareOrder }, { pid: mock.pid, order: mockOrder }),
    );
    await bare.stop();
  }
  await caller.close();
  await load.stop();
  await mock.stop();
  if (worst < target) process.exitCode = 1;
}

await main();
