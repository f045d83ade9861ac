import { describe } from 'vitest';
import { inTrixie, providerSetting, whyNoTrixie } from '../../demo/trixie.ts';
import { daemon, serveExample } from '../served-example.ts';
import {
  promiseClientCertificates,
  promiseHandshakes,
  promiseOperation,
  promiseResumption,
  promiseStapling,
  promiseTwoHsms,
} from '../tls-server-promises.ts';

const WHAT = 'HAProxy of Debian 13';
const reason = whyNoTrixie(WHAT);

describe.skipIf(reason !== undefined)(WHAT, () => {
  const served = serveExample({
    name: 'haproxy',
    prepare: async (site, port) => {
      site.fillIn('haproxy/haproxy.cfg', 'haproxy.cfg', {
        'bind :443': `bind 127.0.0.1:${port}`,
        '/etc/haproxy/tls': site.file('tls'),
      });
      const pidFile = site.file('pid');
      const command = inTrixie('haproxy', ['-W', '-D', '-f', site.file('haproxy.cfg'), '-p', pidFile]);
      return daemon({ pidFile, command, env: await providerSetting(site), reload: 'SIGUSR2' });
    },
  });

  promiseHandshakes(served);
  promiseResumption(served);
  promiseStapling(served);
  promiseClientCertificates(served);
  promiseOperation(served);
  promiseTwoHsms(served);
});
