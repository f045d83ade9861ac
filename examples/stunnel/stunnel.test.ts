import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Daemon } from '../../demo/daemon.ts';
import { engineEnvironment, freePort, writeEngineConfiguration } from '../../demo/nginx.ts';
import { waitFor } from '../../demo/process.ts';
import { Site } from '../../demo/site.ts';
import { promiseHandshakes, promiseOperation, promiseResumption, type Served } from '../tls-server-promises.ts';

const OPEN_TO_ALL = 0o777;

let site: Site;
let stunnel: Daemon;
let backend: Server;
let port: number;
let ecPort: number;
let staffPort: number;

async function startBackend(): Promise<number> {
  backend = createServer((_request, response) => response.end('signed in the HSM\n'));
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const address = backend.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

const start = (): Promise<Daemon> => {
  const environment = engineEnvironment(site.folder, site.offload.configurationFile);
  return Daemon.start(site.file('run/stunnel.pid'), 'stunnel4', [site.file('stunnel.conf')], environment);
};

const log = (): string => readFileSync(site.file('run/stunnel.log'), 'utf8');
const configurations = (): number => log().split('Configuration successful').length;

beforeAll(async () => {
  site = await Site.start('stunnel');
  [port, ecPort, staffPort] = [await freePort(), await freePort(), await freePort()];
  writeEngineConfiguration(site.folder, site.offload.pin);
  site.writeClientAuthority();
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
  stunnel = await start();
});

afterAll(async () => {
  await stunnel?.stop();
  backend?.close();
  await site?.stop();
});

const served = (): Served => ({
  site,
  port,
  ecPort,
  reload: async () => {
    const before = configurations();
    stunnel.signal('SIGHUP');
    await waitFor('the new configuration', () => (configurations() > before ? true : undefined));
  },
  restart: async () => {
    await stunnel.stop();
    stunnel = await start();
  },
});

promiseHandshakes(served);
promiseResumption(served);
promiseOperation(served, { rebinds: true });

test('a client with a certificate is let in where one without is refused', async () => {
  const { certificate, key } = await site.authority.issueToClient('alice');
  const identity = { cert: readFileSync(certificate), key: readFileSync(key) };
  expect((await site.visit(staffPort, identity)).answer).toMatch(/^HTTP\/1\.1 200/);
  await expect(site.visit(staffPort)).rejects.toThrow(/certificate required|handshake failure/);
});

test('the log holds no PIN', () => {
  expect(log()).not.toContain(site.offload.mock.offload.clientSecret);
});
