import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, Wait } from 'testcontainers';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CHECKOUT, PROJECT_LABEL } from './site.ts';

const results = mkdtempSync(join(tmpdir(), 'mhsm-bench-results-'));
afterAll(() => rmSync(results, { recursive: true, force: true }));

interface BenchService {
  image: string;
  cap_add: string[];
  cap_drop: string[];
}

/** One point of the quick form: handshakes of one nginx worker with an HSM that takes 5 ms. */
const ONE_POINT = '--quick --signer library --load handshakes --key P-256 --workers 1 --hsm-speed 5ms'.split(' ');

interface Measurement {
  readonly point: { readonly signer: string; readonly load: string; readonly workers: number };
  readonly perSecond: number;
}

test('the image bench measures handshakes and leaves the result on the host', async () => {
  const { services } = parse(readFileSync(join(CHECKOUT, 'docker-compose.yml'), 'utf8')) as {
    services: { bench: BenchService };
  };
  const container = await new GenericContainer(services.bench.image)
    .withCommand(ONE_POINT)
    .withLabels(PROJECT_LABEL)
    .withBindMounts([{ source: results, target: '/opt/mhsm-pkcs11/.bench' }])
    .withDroppedCapabilities(...services.bench.cap_drop)
    .withAddedCapabilities(...services.bench.cap_add)
    .withSecurityOpt('no-new-privileges:true')
    .withWaitStrategy(Wait.forOneShotStartup())
    .withStartupTimeout(240_000)
    .start();
  try {
    const result = JSON.parse(readFileSync(join(results, 'result.json'), 'utf8')) as { measurements: Measurement[] };
    expect(result.measurements).toHaveLength(1);
    expect(result.measurements[0]).toMatchObject({ point: { signer: 'library', load: 'handshakes', workers: 1 } });
    expect(result.measurements[0]?.perSecond).toBeGreaterThan(0);
  } finally {
    await container.stop();
  }
});
