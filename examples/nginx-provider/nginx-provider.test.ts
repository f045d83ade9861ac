import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Daemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/nginx.ts';
import { mustRun, runProgram, waitFor } from '../../demo/process.ts';
import { Site } from '../../demo/site.ts';
import { inTrixie, providerSetting, whyNoTrixie } from '../../demo/trixie.ts';
import { promiseHandshakes, promiseOperation, promiseResumption, type Served } from '../tls-server-promises.ts';

const reason = whyNoTrixie();
const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;

describe.skipIf(reason !== undefined)(`nginx of Debian 13 over pkcs11-provider${skipped}`, () => {
  let site: Site;
  let nginx: Daemon;
  let port: number;
  let environment: NodeJS.ProcessEnv;

  const command = (...args: string[]): [program: string, args: string[]] => {
    const here = ['-p', site.folder, '-e', site.file('error.log'), '-c', site.file('nginx.conf')];
    // By its whole path: that is how a binary upgrade finds it.
    return inTrixie('/usr/sbin/nginx', [...here, ...args]);
  };

  const start = (): Promise<Daemon> => Daemon.start(site.file('pid'), ...command(), environment);

  beforeAll(async () => {
    site = await Site.start('nginx-provider');
    port = await freePort();
    environment = await providerSetting(site);
    site.fillIn('nginx-provider/nginx.conf', 'nginx.conf', {
      'listen 443': `listen 127.0.0.1:${port}`,
      '/etc/nginx/tls': site.file('tls'),
      '/run/nginx.pid': site.file('pid'),
      '/var/log/nginx/error.log': site.file('error.log'),
      'env OPENSSL_CONF;': 'env OPENSSL_CONF;\nenv MHSM_PKCS11_CONF;',
    });
    nginx = await start();
  });

  afterAll(async () => {
    await nginx?.stop('SIGQUIT');
    await site?.stop();
  });

  const served = (): Served => ({
    site,
    port,
    reload: () => nginx.replaceChildren('SIGHUP'),
    restart: async () => {
      await nginx.stop('SIGQUIT');
      nginx = await start();
    },
  });

  promiseHandshakes(served);
  promiseResumption(served);
  promiseOperation(served);

  test('nginx -t passes, and asks nobody for a PIN', async () => {
    const { stderr } = await mustRun(...command('-t'), { env: environment });
    expect(stderr).toMatch(/test is successful/);
    expect(stderr).not.toMatch(/Enter P/);
  });

  test('kill -9 of a worker: its replacement serves', async () => {
    const [victim = 0, ...others] = await nginx.children();
    process.kill(victim, 'SIGKILL');
    await waitFor('the replacement', async () =>
      (await nginx.children()).filter((pid) => pid !== victim).length > others.length ? true : undefined,
    );
    for (let i = 0; i < 8; i++) expect(await site.visit(port)).toMatchObject({ reused: false });
  });

  test('a binary upgrade: the new master serves with the keys, the old one ends', async () => {
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
});
