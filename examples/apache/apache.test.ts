import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Daemon } from '../../demo/daemon.ts';
import { engineEnvironment, freePort, writeEngineConfiguration } from '../../demo/nginx.ts';
import { runProgram } from '../../demo/process.ts';
import { Site } from '../../demo/site.ts';
import {
  promiseClientCertificates,
  promiseHandshakes,
  promiseOperation,
  promiseResumption,
  promiseStapling,
  type Served,
} from '../tls-server-promises.ts';

const MODULES = ['mpm_event', 'authz_core', 'authz_host', 'dir', 'socache_shmcb', 'ssl'];

let site: Site;
let apache: Daemon;
let port: number;

/** What Debian's apache2.conf and ports.conf have, in a folder of its own. */
function serverConfiguration(): string {
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

const environment = (): NodeJS.ProcessEnv => engineEnvironment(site.folder, site.offload.configurationFile);

const start = (): Promise<Daemon> =>
  Daemon.start(site.file('pid'), '/usr/sbin/apache2', ['-f', site.file('apache2.conf'), '-k', 'start'], environment());

beforeAll(async () => {
  site = await Site.start('apache');
  port = await freePort();
  writeEngineConfiguration(site.folder, site.offload.pin);
  site.writeClientAuthority();
  // Workers read the documents as www-data.
  chmodSync(site.folder, 0o711);
  for (const folder of ['www', 'www/staff']) {
    mkdirSync(site.file(folder));
    writeFileSync(site.file(`${folder}/index.html`), 'signed in the HSM\n');
  }
  site.write('apache2.conf', serverConfiguration());
  site.fillIn('apache/mhsm-site.conf', 'mhsm-site.conf', {
    '*:443': `127.0.0.1:${port}`,
    '/etc/apache2/tls': site.file('tls'),
    '/run/apache2': site.folder,
    '/var/www/html': site.file('www'),
    'token=myhsm': 'token=demo',
  });
  apache = await start();
});

afterAll(async () => {
  await apache?.stop();
  await site?.stop();
});

const served = (): Served => ({
  site,
  port,
  reload: () => apache.replaceChildren('SIGUSR1'),
  restart: async () => {
    await apache.stop();
    apache = await start();
  },
});

promiseHandshakes(served);
promiseResumption(served);
promiseStapling(served);
promiseClientCertificates(served, '/staff/');
promiseOperation(served);

test('a configuration test does not look for keys: one that is missing shows at the start', async () => {
  const other = String(await freePort());
  const siteText = readFileSync(site.file('mhsm-site.conf'), 'utf8');
  const wrong = site.write('wrong.conf', siteText.replaceAll(String(port), other).replace('tlsRsa', 'nosuchkey'));
  const text = serverConfiguration().replaceAll(String(port), other).replace(site.file('pid'), site.file('wrong.pid'));
  const server = site.write('wrong-server.conf', text.replace(site.file('mhsm-site.conf'), wrong));
  const run = (...args: string[]) => runProgram('/usr/sbin/apache2', ['-f', server, ...args], { env: environment() });
  expect(await run('-t')).toMatchObject({ status: 0 });
  expect(await run('-k', 'start')).toMatchObject({ status: 1 });
});
