import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HANDSHAKE_KINDS } from '../../demo/handshake.ts';
import { EC_LABEL, RSA_LABEL, SERVER_NAME } from '../../demo/offload.ts';
import { type Service, startService } from '../../demo/process.ts';
import { Site } from '../../demo/site.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';
import { promiseResumption } from '../tls-server-promises.ts';

let site: Site;
const servers = new Map<string, Service>();

function portOf(label: string): number {
  return Number(/"port":(\d+)/.exec(servers.get(label)?.firstLine ?? '')?.[1]);
}

async function start(label: string): Promise<void> {
  const program = join(import.meta.dirname, 'tls-server.ts');
  const args = [program, label, site.keys.get(label)?.certificate ?? ''];
  const service = await startService(process.execPath, args, {
    env: {
      ...MODULE_ENVIRONMENT,
      PATH: process.env.PATH,
      PORT: '0',
      PKCS11_MODULE_PATH: MODULE,
      MHSM_PKCS11_CONF: site.offload.configurationFile,
    },
  });
  servers.set(label, service);
}

beforeAll(async () => {
  site = await Site.start('tls-server');
  const { clientId, clientSecret } = site.offload.mock.offload;
  site.offload.writeConfiguration({ token: { credential: { clientId, clientSecret } } });
  for (const label of [RSA_LABEL, EC_LABEL]) await start(label);
});

afterAll(async () => {
  for (const service of servers.values()) await service.stop();
  await site?.stop();
});

describe('a server of Node', () => {
  test.each(HANDSHAKE_KINDS.map((kind) => [kind.protocol, kind.key, kind.algorithm, kind] as const))(
    'signs %s handshakes with its %s key in the HSM as %s',
    async (_protocol, key, _algorithm, kind) => {
      const port = portOf(key === 'RSA' ? RSA_LABEL : EC_LABEL);
      expect(await site.handshake(port, kind)).toMatchObject(site.signatureOf(kind));
    },
  );

  test('answers requests to many clients at once', async () => {
    const visits = Array.from({ length: 16 }, () => site.visit(portOf(RSA_LABEL)));
    for (const { subject, answer } of await Promise.all(visits)) {
      expect(subject).toBe(SERVER_NAME);
      expect(answer).toContain('signed in the HSM');
    }
  });

  promiseResumption(() => ({ site, port: portOf(RSA_LABEL) }), { keeps: false });

  test('signs on after kill -9 of the agent', async () => {
    const [victim = 0] = await site.offload.agents();
    process.kill(victim, 'SIGKILL');
    await site.visit(portOf(EC_LABEL)).catch(() => undefined);
    expect(await site.visit(portOf(EC_LABEL))).toMatchObject({ reused: false });
  });
});
