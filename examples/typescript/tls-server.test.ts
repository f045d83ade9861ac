import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { selfSign } from '../../demo/nginx.ts';
import { Offload, RSA_LABEL, SERVER_NAME } from '../../demo/offload.ts';
import { type Service, startService } from '../../demo/process.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';

let folder: string;
let offload: Offload;
let server: Service;
let certificate: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-tls-server-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  await offload.grantUse(await offload.createKey('--RSA', '2K', '--label', RSA_LABEL));
  const nginx = await offload.nginx();
  await selfSign(nginx, 'RSA', SERVER_NAME);
  certificate = nginx.certificateFile('RSA');
  const { clientId, clientSecret } = offload.mock.offload;
  offload.writeConfiguration({ token: { credential: { clientId, clientSecret } } });
  server = await startService(process.execPath, [join(import.meta.dirname, 'tls-server.ts'), RSA_LABEL, certificate], {
    env: {
      ...MODULE_ENVIRONMENT,
      PATH: process.env.PATH,
      PORT: '0',
      PKCS11_MODULE_PATH: MODULE,
      MHSM_PKCS11_CONF: offload.configurationFile,
    },
  });
});

afterAll(async () => {
  await server?.stop();
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a %s handshake with a server of Node is signed in the HSM',
  async (version) => {
    const port = Number(/"port":(\d+)/.exec(server.firstLine)?.[1]);
    const before = await offload.mock.sequence();
    const options = {
      ca: readFileSync(certificate),
      servername: SERVER_NAME,
      minVersion: version,
      maxVersion: version,
    };
    const authorized = await new Promise<boolean>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', options, () => {
        resolve(socket.authorized);
        socket.end();
      });
      socket.once('error', reject);
    });
    expect(authorized).toBe(true);
    const requests = await offload.mock.requests(before);
    expect(requests.filter(({ operation }) => operation === 'sign')).toHaveLength(1);
  },
);
