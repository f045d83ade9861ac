import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, Wait } from 'testcontainers';
import { afterAll, expect, test } from 'vitest';
import { type ComposeService, composeService, confinementOf } from '../compose-service.ts';
import { PROJECT_LABEL } from './site.ts';

const results = mkdtempSync(join(tmpdir(), 'mhsm-bench-results-'));
afterAll(() => rmSync(results, { recursive: true, force: true }));

/** A service of docker-compose.yml, with all that confines it there. */
class ConfinedContainer extends GenericContainer {
  constructor(service: ComposeService) {
    super(service.image);
    Object.assign(this.hostConfig, confinementOf(service));
  }
}

/** One point of the quick form: handshakes of one nginx worker with an HSM that takes 5 ms. */
const ONE_POINT = '--quick --signer library --load handshakes --key P-256 --workers 1 --hsm-speed 5ms'.split(' ');

interface Measurement {
  readonly point: { readonly signer: string; readonly load: string; readonly workers: number };
  readonly perSecond: number;
}

test('the image bench measures handshakes and leaves the result on the host', async () => {
  const container = await new ConfinedContainer(composeService('bench'))
    .withCommand(ONE_POINT)
    .withLabels(PROJECT_LABEL)
    .withBindMounts([{ source: results, target: '/opt/mhsm-pkcs11/.bench' }])
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
