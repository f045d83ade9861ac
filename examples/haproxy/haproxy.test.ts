import { inTrixie, providerSetting } from '../../demo/trixie.ts';
import { describeOnDebian13 } from '../debian-13.ts';
import { daemon, serveExample } from '../served-example.ts';
import { promiseServer, promiseTwoHsms } from '../tls-server-promises.ts';

describeOnDebian13('HAProxy of Debian 13', () => {
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

  promiseServer(served);
  promiseTwoHsms(served);
});
