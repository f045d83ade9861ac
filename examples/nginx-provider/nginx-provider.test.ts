import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { certify } from '../../demo/certified-keys.ts';
import type { Daemon } from '../../demo/daemon.ts';
import { CRYPTO_USER } from '../../demo/mock.ts';
import { mustRun, runProgram, waitFor } from '../../demo/process.ts';
import type { Site } from '../../demo/site.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';
import { inTrixie, providerSetting } from '../../demo/trixie.ts';
import { describeOnDebian13 } from '../debian-13.ts';
import { daemon, serveExample } from '../served-example.ts';
import { promiseServer, promiseTwoHsms } from '../tls-server-promises.ts';

const DECRYPTING = 'decrypting';
const DECRYPTING_NAME = 'old.example.com';

/** A key that may decrypt too, which mhsm_p11_create_key makes none of. */
async function makeDecryptingKey(site: Site): Promise<void> {
  const { mock, configurationFile } = site.offload;
  const usage = ['--usage-sign', '--usage-decrypt'];
  const how = ['--keypairgen', '--key-type', 'rsa:2048', '--label', DECRYPTING, '--id', '0c', ...usage];
  await mustRun('pkcs11-tool', ['--module', MODULE, '--login', '--pin', 'env:PIN', ...how], {
    env: {
      ...MODULE_ENVIRONMENT,
      PATH: process.env.PATH,
      MHSM_PKCS11_CONF: configurationFile,
      PIN: `${mock.keyGeneration.clientId}:${mock.keyGeneration.clientSecret}`,
    },
  });
  await mock.assignRole(CRYPTO_USER, mock.offload.objectId, '/keys');
  const out = site.file('tls/decrypting.crt');
  await certify(site.offload, site.authority, { label: DECRYPTING, serverName: DECRYPTING_NAME, out });
  site.keys.set(DECRYPTING, { label: DECRYPTING, name: DECRYPTING, certificate: out });
}

const decryptingServer = (site: Site, port: number): string => `
    server {
        listen 127.0.0.1:${port} ssl;
        server_name ${DECRYPTING_NAME};
        ssl_certificate ${site.file('tls/decrypting.crt')};
        ssl_certificate_key ${site.file('tls/decrypting.key')};
        return 200;
    }\n`;

describeOnDebian13('nginx of Debian 13 over pkcs11-provider', () => {
  let nginx: Daemon;
  let environment: NodeJS.ProcessEnv;

  const command = (site: Site, ...args: string[]): [program: string, args: string[]] => {
    const here = ['-p', site.folder, '-e', site.file('error.log'), '-c', site.file('nginx.conf')];
    // By its whole path: that is how a binary upgrade finds it.
    return inTrixie('/usr/sbin/nginx', [...here, ...args]);
  };

  const served = serveExample({
    name: 'nginx-provider',
    prepare: async (site, port) => {
      await makeDecryptingKey(site);
      environment = await providerSetting(site);
      site.writeAuthority('tls/authority.crt');
      site.fillIn('nginx-provider/nginx.conf', 'nginx.conf', {
        'listen 443': `listen 127.0.0.1:${port}`,
        '/etc/nginx/tls': site.file('tls'),
        '/run/nginx.pid': site.file('pid'),
        '/var/log/nginx/error.log': site.file('error.log'),
        'http {\n': `http {\n${decryptingServer(site, port)}`,
        'env OPENSSL_CONF;': 'env OPENSSL_CONF;\nenv MHSM_PKCS11_CONF;',
      });
      const how = { env: environment, reload: 'SIGHUP', stop: 'SIGQUIT' } as const;
      return daemon({ pidFile: site.file('pid'), command: command(site), ...how }, (started) => {
        nginx = started;
      });
    },
  });

  promiseServer(served);

  test('nginx -t passes, and asks nobody for a PIN', async () => {
    const { stderr } = await mustRun(...command(served().site, '-t'), { env: environment });
    expect(stderr).toMatch(/test is successful/);
    expect(stderr).not.toMatch(/Enter P/);
  });

  test('RSA key exchange of TLS 1.2 is decrypted in the HSM with a key that may decrypt', async () => {
    const { site, port } = served();
    const { mock } = site.offload;
    const before = await mock.sequence();
    const options = { servername: DECRYPTING_NAME, maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } as const;
    expect(await site.visit(port, options)).toMatchObject({ protocol: 'TLSv1.2', subject: DECRYPTING_NAME });
    const operations = (await mock.requests(before)).map(({ operation }) => operation);
    expect(operations).toContain('decrypt');
    expect(operations).not.toContain('sign');
  });

  test('kill -9 of a worker: its replacement serves', async () => {
    const [victim = 0, ...others] = await nginx.children();
    process.kill(victim, 'SIGKILL');
    await waitFor('the replacement', async () =>
      (await nginx.children()).filter((pid) => pid !== victim).length > others.length ? true : undefined,
    );
    const { site, port } = served();
    for (let i = 0; i < 8; i++) expect(await site.visit(port)).toMatchObject({ reused: false });
  });

  test('a binary upgrade: the new master serves with the keys, the old one ends', async () => {
    const { site, port } = served();
    const old = nginx.pid;
    process.kill(old, 'SIGUSR2');
    const master = await waitFor('a new master', () =>
      existsSync(site.file('pid')) && nginx.pid !== old ? nginx.pid : undefined,
    );
    await waitFor('its workers', async () => ((await nginx.children()).length >= 2 ? true : undefined));
    process.kill(old, 'SIGQUIT');
    await waitFor('the end of the old one', async () => {
      const { stdout } = await runProgram('ps', ['-o', 'stat=', '-p', String(old)]);
      return stdout.trim() === '' || stdout.startsWith('Z') ? true : undefined;
    });
    expect(nginx.pid).toBe(master);
    for (let i = 0; i < 8; i++) await site.visit(port);
  });
  promiseTwoHsms(served);
});
