import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HANDSHAKE_KINDS, shakeHands } from '../../demo/handshake.ts';
import type { Nginx } from '../../demo/nginx.ts';
import { Offload, SERVER_NAME } from '../../demo/offload.ts';
import { runProgram, waitFor } from '../../demo/process.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';
import { Traffic } from '../../demo/traffic.ts';

/** Fewer than workers, so that sharing shows. */
const MAX_CONNECTIONS = 1;
const WWW_DATA = 33;

let folder: string;
let offload: Offload;
let nginx: Nginx;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-nginx-'));
  offload = await Offload.start(folder, {
    top: { ConnectionCache: { Disable: false, MaxConnections: MAX_CONNECTIONS } },
  });
  nginx = await offload.serve();
});

afterAll(async () => {
  await nginx?.stop();
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function traffic(concurrency: number): Traffic {
  const certificateFiles = [nginx.certificateFile('RSA'), nginx.certificateFile('EC')];
  return new Traffic({ port: nginx.setting.port, certificateFiles, servername: SERVER_NAME, concurrency });
}

async function handshakes(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await traffic(1).handshake();
}

/** Requests that the server's principal made from now on until `work` is done, by operation. */
async function requestsDuring(work: () => Promise<void>): Promise<Record<string, number>> {
  const before = await offload.mock.sequence();
  await work();
  const counts: Record<string, number> = {};
  for (const { operation, clientId } of await offload.mock.requests(before)) {
    if (clientId === offload.mock.offload.clientId) counts[operation] = (counts[operation] ?? 0) + 1;
  }
  return counts;
}

async function uidOf(pid: number): Promise<string> {
  return (await runProgram('ps', ['-o', 'uid=', '-p', String(pid)])).stdout.trim();
}

/** Every worker has signed, so that each has its connection and its login. */
beforeEach(() => handshakes(8));

describe('handshakes', () => {
  test.each(HANDSHAKE_KINDS.map((kind) => [kind.protocol, kind.key, kind.algorithm, kind] as const))(
    '%s with the %s key are signed in the HSM as %s',
    async (_protocol, _key, _algorithm, kind) => {
      const before = await offload.mock.sequence();
      await shakeHands(nginx.setting.port, kind, nginx.certificateFile(kind.key));
      const signs = (await offload.mock.requests(before)).filter(({ operation }) => operation === 'sign');
      expect(signs).toMatchObject([
        { status: 200, algorithm: kind.algorithm, clientId: offload.mock.offload.clientId },
      ]);
    },
  );

  test('workers run as www-data, the agent as neither root nor www-data', async () => {
    for (const worker of await nginx.workers()) expect(await uidOf(worker)).toBe(String(WWW_DATA));
    const agents = await offload.agents();
    expect(agents).toHaveLength(1);
    expect(['0', String(WWW_DATA)]).not.toContain(await uidOf(agents[0] ?? 0));
  });
});

describe('the hot path', () => {
  test('a signature costs one request: no token, no list, no key', async () => {
    expect(await requestsDuring(() => handshakes(20))).toEqual({ sign: 20 });
  });

  test('a signature costs no new TLS connection', async () => {
    await offload.mock.sequence();
    const before = await offload.mock.metric('mock_hsm_tls_connections_opened_total');
    await handshakes(20);
    expect(await offload.mock.metric('mock_hsm_tls_connections_opened_total')).toBe(before);
  });

  test('all workers together sign over at most MaxConnections connections', async () => {
    const before = await offload.mock.sequence();
    const load = traffic(16).start();
    await waitFor('200 handshakes', () => (load.successes + load.failures.length >= 200 ? true : undefined), 60);
    await load.stop();
    expect(load.failures).toEqual([]);
    const signs = (await offload.mock.requests(before)).filter(({ operation }) => operation === 'sign');
    expect(new Set(signs.map(({ connection }) => connection)).size).toBe(MAX_CONNECTIONS);
  });
});

describe('admission', () => {
  test('another process of www-data stays out, though workers of the same user are in', async () => {
    const place = mkdtempSync(join(tmpdir(), 'mhsm-stranger-'));
    chmodSync(place, 0o755);
    const module = join(place, 'module.so');
    copyFileSync(MODULE, module);
    const { status, stderr } = await runProgram(
      'pkcs11-tool',
      ['--module', module, '--login', '--pin', 'env:PIN', '-O'],
      {
        uid: WWW_DATA,
        gid: WWW_DATA,
        env: {
          ...MODULE_ENVIRONMENT,
          PATH: process.env.PATH,
          MHSM_PKCS11_CONF: offload.configurationFile,
          PIN: offload.pin,
        },
      },
    );
    rmSync(place, { recursive: true });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/user id 33 is not admitted to the agent/);
    await handshakes(1);
  });
});

describe('under traffic', () => {
  const LANES = 4;

  /** Runs `disturb` in the middle of traffic; gives the failures, after 50 further handshakes that went well. */
  async function failuresOf(disturb: () => Promise<unknown>): Promise<string[]> {
    const load = traffic(LANES).start();
    await waitFor('traffic', () => (load.successes > 20 ? true : undefined));
    await disturb();
    const recovered = load.successes + 50;
    await waitFor('traffic after the disturbance', () => (load.successes > recovered ? true : undefined), 60);
    await load.stop();
    return load.failures;
  }

  test('a reload loses nothing', async () => {
    expect(await failuresOf(() => nginx.reload())).toEqual([]);
  });

  test('a renewed agent (SIGHUP) loses nothing, and serves the same workers', async () => {
    const workers = await nginx.workers();
    const [agent = 0] = await offload.agents();
    const failures = await failuresOf(async () => {
      process.kill(agent, 'SIGHUP');
      await waitFor('the new agent, alone', async () => {
        const agents = await offload.agents();
        return agents.length === 1 && !agents.includes(agent) ? true : undefined;
      });
    });
    expect(failures).toEqual([]);
    expect(await nginx.workers()).toEqual(workers);
  });

  test('kill -9 of a worker loses at most the handshakes in flight, its replacement signs', async () => {
    const [victim = 0, ...others] = await nginx.workers();
    const failures = await failuresOf(async () => {
      process.kill(victim, 'SIGKILL');
      await waitFor('the replacement', async () => ((await nginx.workers()).length > others.length ? true : undefined));
    });
    expect(failures.length).toBeLessThanOrEqual(LANES);
    expect(await nginx.workers()).not.toContain(victim);
  });

  test('kill -9 of the agent loses at most the handshakes in flight, without a reload', async () => {
    const workers = await nginx.workers();
    const [victim = 0] = await offload.agents();
    const failures = await failuresOf(async () => {
      process.kill(victim, 'SIGKILL');
      await waitFor('the next agent', async () =>
        (await offload.agents()).some((pid) => pid !== victim) ? true : undefined,
      );
    });
    expect(failures.length).toBeLessThanOrEqual(LANES);
    expect(await nginx.workers()).toEqual(workers);
  });

  test('a worker that starts while the agent is down serves as soon as it is back', async () => {
    const [agent = 0] = await offload.agents();
    const [worker = 0] = await nginx.workers();
    process.kill(agent, 'SIGKILL');
    process.kill(worker, 'SIGKILL');
    await waitFor('a handshake', () =>
      handshakes(1).then(
        () => true,
        () => undefined,
      ),
    );
    await handshakes(10);
  });

  test('kill -9 of the launcher is cured by a reload', async () => {
    const [launcher = 0] = await offload.agents('launcher');
    process.kill(launcher, 'SIGKILL');
    expect(await nginx.test()).toMatchObject({ status: 0 });
    await nginx.reload();
    await handshakes(10);
    expect(await offload.agents('launcher')).not.toContain(launcher);
  });
});
