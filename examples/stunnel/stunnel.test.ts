import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { engineEnvironment, freePort, writeEngineConfiguration } from '../../demo/nginx.ts';
import { waitFor } from '../../demo/process.ts';
import type { Site } from '../../demo/site.ts';
import { daemon, type Served, serveExample } from '../served-example.ts';
import {
  promiseHandshakes,
  promiseOperation,
  promisePortForClients,
  promiseResumption,
  promiseTwoHsms,
} from '../tls-server-promises.ts';

const OPEN_TO_ALL = 0o777;

let backend: Server;
let ecPort: number;
let staffPort: number;

async function startBackend(): Promise<number> {
  backend = createServer((_request, response) => response.end('signed in the HSM\n'));
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const address = backend.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

const log = (site: Site): string => readFileSync(site.file('run/stunnel.log'), 'utf8');
const configurations = (site: Site): number => log(site).split('Configuration successful').length;

const example = serveExample({
  name: 'stunnel',
  prepare: async (site, port) => {
    [ecPort, staffPort] = [await freePort(), await freePort()];
    writeEngineConfiguration(site.folder, site.offload.pin);
    const configuration = site.fillIn('stunnel/stunnel.conf', 'stunnel.conf', {
      '/run/stunnel4/': site.file('run/'),
      '/var/log/stunnel4/': site.file('run/'),
      'accept = 443': `accept = 127.0.0.1:${port}`,
      'accept = 8443': `accept = 127.0.0.1:${ecPort}`,
      'accept = 9443': `accept = 127.0.0.1:${staffPort}`,
      '127.0.0.1:80\n': `127.0.0.1:${await startBackend()}\n`,
      '/etc/stunnel/tls': site.file('tls'),
      'token=myhsm': 'token=demo',
    });
    // At a reload it reads its configuration as the user that it runs as.
    chmodSync(site.folder, 0o711);
    for (const file of [configuration, site.file('tls/clients.crt')]) chmodSync(file, 0o644);
    mkdirSync(site.file('run'));
    chmodSync(site.file('run'), OPEN_TO_ALL);
    return daemon({
      pidFile: site.file('run/stunnel.pid'),
      command: ['stunnel4', [configuration]],
      env: engineEnvironment(site.folder, site.offload.configurationFile),
      reload: async (stunnel) => {
        const before = configurations(site);
        stunnel.signal('SIGHUP');
        await waitFor('the new configuration', () => (configurations(site) > before ? true : undefined));
      },
    });
  },
});

const served = (): Served => ({ ...example(), ecPort });

afterAll(() => {
  backend?.close();
});

promiseHandshakes(served);
promiseResumption(served);
promiseOperation(served, { rebinds: true });

promisePortForClients(() => ({ ...served(), staffPort }));

test('the log holds no PIN', () => {
  const { site } = served();
  expect(log(site)).not.toContain(site.offload.mock.offload.clientSecret);
});

promiseTwoHsms(served);
