import { afterAll, beforeAll, describe } from 'vitest';
import { Daemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/nginx.ts';
import { Site } from '../../demo/site.ts';
import { inTrixie, providerSetting, whyNoTrixie } from '../../demo/trixie.ts';
import {
  promiseClientCertificates,
  promiseHandshakes,
  promiseOperation,
  promiseResumption,
  promiseStapling,
  type Served,
} from '../tls-server-promises.ts';

const WHAT = 'HAProxy of Debian 13';
const reason = whyNoTrixie(WHAT);

describe.skipIf(reason !== undefined)(WHAT, () => {
  let site: Site;
  let haproxy: Daemon;
  let port: number;

  async function start(): Promise<Daemon> {
    const [program, args] = inTrixie('haproxy', ['-W', '-D', '-f', site.file('haproxy.cfg'), '-p', site.file('pid')]);
    return Daemon.start(site.file('pid'), program, args, await providerSetting(site));
  }

  beforeAll(async () => {
    site = await Site.start('haproxy');
    port = await freePort();
    site.writeClientAuthority();
    site.fillIn('haproxy/haproxy.cfg', 'haproxy.cfg', {
      'bind :443': `bind 127.0.0.1:${port}`,
      '/etc/haproxy/tls': site.file('tls'),
    });
    haproxy = await start();
  });

  afterAll(async () => {
    await haproxy?.stop();
    await site?.stop();
  });

  const served = (): Served => ({
    site,
    port,
    reload: () => haproxy.replaceChildren('SIGUSR2'),
    restart: async () => {
      await haproxy.stop();
      haproxy = await start();
    },
  });

  promiseHandshakes(served);
  promiseResumption(served);
  promiseStapling(served);
  promiseClientCertificates(served);
  promiseOperation(served);
});
