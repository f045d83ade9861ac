import { constants } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certifiedKey } from '../../demo/certified-keys.ts';
import { Daemon } from '../../demo/daemon.ts';
import { engineEnvironment, freePort, fromExample } from '../../demo/nginx.ts';
import { Offload } from '../../demo/offload.ts';
import { SECOND_LABEL, SECOND_NAME, Site } from '../../demo/site.ts';
import { MODULE } from '../../demo/tested-module.ts';
import {
  promiseClientCertificates,
  promiseHandshakes,
  promiseOperation,
  promiseResumption,
  promiseStapling,
  type Served,
} from '../tls-server-promises.ts';

let site: Site;
/** The other HSM, with the key of the second name. */
let shop: Offload;
let nginx: Daemon;
let port: number;

/** The example's tokens, each led to its mock, with the credential of that mock's principal. */
function tokens(): object[] {
  const example = JSON.parse(readFileSync(join(import.meta.dirname, 'mhsm-pkcs11.conf'), 'utf8')) as {
    tokens: object[];
  };
  return [site.offload, shop].map(({ mock }, i) => ({
    ...example.tokens[i],
    baseUrl: mock.url,
    caFile: mock.caFile,
    tenantId: mock.env('MHSM_TENANT_ID'),
    authorityHost: mock.env('MHSM_AUTHORITY_HOST'),
    credential: { clientId: mock.offload.clientId, clientSecret: mock.offload.clientSecret },
  }));
}

function start(): Promise<Daemon> {
  const args = ['-p', site.folder, '-e', site.file('error.log'), '-c', site.file('nginx.conf')];
  const environment = engineEnvironment(site.folder, site.offload.configurationFile);
  return Daemon.start(site.file('pid'), '/usr/sbin/nginx', args, environment);
}

async function startShop(): Promise<void> {
  shop = await Offload.start(site.file('shop'));
  await shop.grantReading();
  const wanted = { label: SECOND_LABEL, type: 'RSA', serverName: SECOND_NAME, out: site.file('tls/shop.crt') } as const;
  site.keys.set(SECOND_LABEL, await certifiedKey(shop, site.authority, wanted));
}

beforeAll(async () => {
  site = await Site.start('nginx-production');
  port = await freePort();
  await startShop();
  site.offload.writeConfiguration({ top: { tokens: tokens() } });
  site.writeClientAuthority();
  const { issuer, root } = site.authority;
  site.write('tls/authority.crt', readFileSync(issuer, 'utf8') + readFileSync(root, 'utf8'));
  const engine = { '/usr/lib/libmhsm-pkcs11.so': MODULE, 'PIN = client-id:client-secret\n': '' };
  writeFileSync(site.file('openssl-mhsm.cnf'), fromExample('nginx/openssl-mhsm.cnf', engine));
  site.fillIn('nginx-production/nginx.conf', 'nginx.conf', {
    'listen 443': `listen 127.0.0.1:${port}`,
    '/etc/nginx/tls': site.file('tls'),
    '/run/nginx.pid': site.file('pid'),
    '/var/log/nginx/error.log': site.file('error.log'),
  });
  nginx = await start();
});

afterAll(async () => {
  await nginx?.stop('SIGQUIT');
  await shop?.stop();
  await site?.stop();
});

const served = (): Served => ({
  site,
  port,
  second: shop,
  reload: () => nginx.replaceChildren('SIGHUP'),
  restart: async () => {
    await nginx.stop('SIGQUIT');
    nginx = await start();
  },
});

promiseHandshakes(served);
promiseResumption(served);
promiseStapling(served);
promiseClientCertificates(served);
promiseOperation(served);

test('a client that asks for a name of nobody is refused, without a signature', async () => {
  const signs = await site.signsDuring(() =>
    expect(site.visit(port, { servername: 'other.example.com' })).rejects.toThrow(/unrecognized name/),
  );
  expect(signs).toEqual([]);
});

test('a TLS 1.2 session outlives a reload', async () => {
  const options = { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET } as const;
  const { session } = await site.visit(port, options);
  await nginx.replaceChildren('SIGHUP');
  expect(await site.visit(port, { ...options, ...(session && { session }) })).toMatchObject({ reused: true });
});

test('while one HSM is away the names of the other are served', async () => {
  process.kill(shop.mock.pid ?? 0, 'SIGSTOP');
  try {
    expect(await site.visit(port)).toMatchObject({ reused: false });
  } finally {
    process.kill(shop.mock.pid ?? 0, 'SIGCONT');
  }
  expect(await site.visit(port, { servername: SECOND_NAME })).toMatchObject({ subject: SECOND_NAME });
});
