import { constants } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineEnvironment, fromExample } from '../../demo/nginx.ts';
import type { Offload } from '../../demo/offload.ts';
import { startSecondHsm, twoTokens } from '../../demo/second-hsm.ts';
import type { Site } from '../../demo/site.ts';
import { MODULE } from '../../demo/tested-module.ts';
import { daemon, type Served, serveExample } from '../served-example.ts';
import { AWAY_REQUEST_MS, promiseOneHsmAway, promiseServer } from '../tls-server-promises.ts';

/** The other HSM, with the key of the second name. */
let shop: Offload;

/** The example's tokens, each led to its mock, with the credential of that mock's principal. @param top what else it has */
function writeConfiguration(site: Site, top: object = {}): void {
  const example = JSON.parse(readFileSync(join(import.meta.dirname, 'mhsm-pkcs11.conf'), 'utf8')) as {
    tokens: [object, object];
  };
  const tokens = twoTokens(site, shop, example.tokens);
  site.offload.writeConfiguration({ top: { tokens, ...top } });
}

const example = serveExample({
  name: 'nginx-production',
  prepare: async (site, port) => {
    shop = await startSecondHsm(site);
    writeConfiguration(site);
    site.writeAuthority('tls/authority.crt');
    const engine = { '/usr/lib/libmhsm-pkcs11.so': MODULE, 'PIN = client-id:client-secret\n': '' };
    writeFileSync(site.file('openssl-mhsm.cnf'), fromExample('nginx/openssl-mhsm.cnf', engine));
    site.fillIn('nginx-production/nginx.conf', 'nginx.conf', {
      'listen 443': `listen 127.0.0.1:${port}`,
      '/etc/nginx/tls': site.file('tls'),
      '/run/nginx.pid': site.file('pid'),
      '/var/log/nginx/error.log': site.file('error.log'),
    });
    const args = ['-p', site.folder, '-e', site.file('error.log'), '-c', site.file('nginx.conf')];
    const env = engineEnvironment(site.folder, site.offload.configurationFile);
    const how = { reload: 'SIGHUP', stop: 'SIGQUIT' } as const;
    return daemon({ pidFile: site.file('pid'), command: ['/usr/sbin/nginx', args], env, ...how });
  },
});

const served = (): Served & { second: Offload } => ({ ...example(), second: shop });

// Hooks run in the order in which they stand: the servers of the example have ended by then.
afterAll(async () => {
  await shop?.stop();
});

promiseServer(served);

test('a client that asks for a name of nobody is refused, without a signature', async () => {
  const { site, port } = served();
  const signs = await site.signsDuring(() =>
    expect(site.visit(port, { servername: 'other.example.com' })).rejects.toThrow(/unrecognized name/),
  );
  expect(signs).toEqual([]);
});

test('a TLS 1.2 session outlives a reload', async () => {
  const options = { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET } as const;
  const { site, port, reload } = served();
  const { session } = await site.visit(port, options);
  await reload();
  expect(await site.visit(port, { ...options, ...(session && { session }) })).toMatchObject({ reused: true });
});

describe('with a short deadline', () => {
  beforeAll(async () => {
    const { site, restart } = served();
    writeConfiguration(site, { timeouts: { requestMs: AWAY_REQUEST_MS } });
    await restart();
  });

  promiseOneHsmAway(served);
});
