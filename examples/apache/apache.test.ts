import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { engineEnvironment, freePort, writeEngineConfiguration } from '../../demo/nginx.ts';
import { runProgram } from '../../demo/process.ts';
import type { Site } from '../../demo/site.ts';
import { daemon, serveExample } from '../served-example.ts';
import { promiseServer, promiseTwoHsms } from '../tls-server-promises.ts';

const MODULES = ['mpm_event', 'authz_core', 'authz_host', 'dir', 'socache_shmcb', 'ssl'];

/** What Debian's apache2.conf and ports.conf have, in a folder of its own. */
function serverConfiguration(site: Site, port: number): string {
  return [
    `ServerRoot ${site.folder}`,
    `PidFile ${site.file('pid')}`,
    `ErrorLog ${site.file('error.log')}`,
    `DefaultRuntimeDir ${site.folder}`,
    ...MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    'User www-data',
    'Group www-data',
    'ServerName localhost',
    'StartServers 2',
    `Listen 127.0.0.1:${port}`,
    'DirectoryIndex index.html',
    `Include ${site.file('mhsm-site.conf')}`,
    '',
  ].join('\n');
}

/** What is served, which workers read as www-data. */
function writeDocuments(site: Site): void {
  chmodSync(site.folder, 0o711);
  for (const folder of ['www', 'www/staff']) {
    mkdirSync(site.file(folder));
    writeFileSync(site.file(`${folder}/index.html`), 'signed in the HSM\n');
  }
}

const environment = (site: Site): NodeJS.ProcessEnv => engineEnvironment(site.folder, site.offload.configurationFile);

const served = serveExample({
  name: 'apache',
  prepare: async (site, port) => {
    writeEngineConfiguration(site.folder, site.offload.pin);
    writeDocuments(site);
    site.write('apache2.conf', serverConfiguration(site, port));
    site.fillIn('apache/mhsm-site.conf', 'mhsm-site.conf', {
      '*:443': `127.0.0.1:${port}`,
      '/etc/apache2/tls': site.file('tls'),
      '/run/apache2': site.folder,
      '/var/www/html': site.file('www'),
      'token=myhsm': 'token=demo',
    });
    const command = ['/usr/sbin/apache2', ['-f', site.file('apache2.conf'), '-k', 'start']] as const;
    return daemon({ pidFile: site.file('pid'), command, env: environment(site), reload: 'SIGUSR1' });
  },
});

promiseServer(served, { staff: '/staff/' });

test('a configuration test does not look for keys: one that is missing shows at the start', async () => {
  const { site, port } = served();
  const other = String(await freePort());
  const siteText = readFileSync(site.file('mhsm-site.conf'), 'utf8');
  const wrong = site.write('wrong.conf', siteText.replaceAll(String(port), other).replace('tlsRsa', 'nosuchkey'));
  const text = serverConfiguration(site, port)
    .replaceAll(String(port), other)
    .replace(site.file('pid'), site.file('wrong.pid'));
  const server = site.write('wrong-server.conf', text.replace(site.file('mhsm-site.conf'), wrong));
  const run = (...args: string[]) =>
    runProgram('/usr/sbin/apache2', ['-f', server, ...args], { env: environment(site) });
  expect(await run('-t')).toMatchObject({ status: 0 });
  expect(await run('-k', 'start')).toMatchObject({ status: 1 });
});

promiseTwoHsms(served);
