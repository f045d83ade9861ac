import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { engineEnvironment, freePort, writeEngineConfiguration } from '../../demo/nginx.ts';
import { EC_LABEL, RSA_LABEL, SERVER_NAME } from '../../demo/offload.ts';
import { mustRun, type Service, startService, waitFor } from '../../demo/process.ts';
import { SECOND_LABEL, SECOND_NAME, type Site } from '../../demo/site.ts';
import { inTrixie, providerSetting } from '../../demo/trixie.ts';
import { describeOnDebian13 } from '../debian-13.ts';
import { type Running, type Served, serveExample } from '../served-example.ts';
import { promiseServer, promiseTwoHsms } from '../tls-server-promises.ts';

type Command = readonly [program: string, args: readonly string[]];

/** Without it Node reads a section of its own in openssl.cnf. */
const SHARED = '--openssl-shared-config';
const PROGRAM = join(import.meta.dirname, 'tls-server.ts');

/** The example with these arguments, behind the site's folder of certificates. */
async function startExample(site: Site, [program, args]: Command, env: NodeJS.ProcessEnv): Promise<Running> {
  const service: Service = await startService(program, args, { env });
  let [said, asked] = ['', 0];
  service.process.stdout?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  return {
    reload: async () => {
      asked++;
      service.process.kill('SIGHUP');
      await waitFor(`${site.folder} read anew`, () => (said.split('read anew').length > asked ? true : undefined));
    },
    stop: () => service.stop(),
  };
}

/** What is stapled with the certificates of a name. */
async function writeAnswer(site: Site, name: string, ...labels: string[]): Promise<void> {
  const certificates = labels.map((label) => site.keys.get(label)?.certificate ?? '');
  await site.authority.ocspAnswer(certificates, site.file(`tls/${name}.ocsp`));
}

describe('a server of Node over the engine', () => {
  let ecPort: number;

  const example = serveExample({
    name: 'node-engine',
    prepare: async (site, port) => {
      ecPort = await freePort();
      writeEngineConfiguration(site.folder, site.offload.pin);
      for (const [name, label] of [
        ['rsa', RSA_LABEL],
        ['ec', EC_LABEL],
        ['shop', SECOND_LABEL],
      ]) {
        site.write(`tls/${name}.uri`, `pkcs11:token=demo;object=${label};type=private\n`);
      }
      await writeAnswer(site, SERVER_NAME, RSA_LABEL);
      await writeAnswer(site, SECOND_NAME, SECOND_LABEL);
      const env = engineEnvironment(site.folder, site.offload.configurationFile);
      const start = (at: number, ...names: string[]) =>
        startExample(site, [process.execPath, [SHARED, PROGRAM, site.file('tls'), ...names]], {
          ...env,
          PORT: String(at),
        });
      return async () => {
        const servers = [
          await start(port, `${SERVER_NAME}=rsa`, `${SECOND_NAME}=shop`),
          await start(ecPort, `${SERVER_NAME}=ec`),
        ];
        return {
          reload: async () => void (await Promise.all(servers.map((server) => server.reload()))),
          stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
        };
      };
    },
  });
  const served = (): Served => ({ ...example(), ecPort });

  promiseServer(served, { stapled: [RSA_LABEL, SECOND_LABEL] });

  test('answers requests to many clients at once', async () => {
    const { site, port } = served();
    for (const { subject, answer } of await Promise.all(Array.from({ length: 16 }, () => site.visit(port)))) {
      expect(subject).toBe(SERVER_NAME);
      expect(answer).toContain('signed in the HSM');
    }
  });

  promiseTwoHsms(served);
});

describeOnDebian13('a server of Node over pkcs11-provider', () => {
  let environment: NodeJS.ProcessEnv;
  const node = (...args: string[]): Command => inTrixie(process.execPath, [SHARED, ...args]);

  const served = serveExample({
    name: 'node-provider',
    prepare: async (site, port) => {
      environment = await providerSetting(site);
      await writeAnswer(site, SERVER_NAME, RSA_LABEL, EC_LABEL);
      await writeAnswer(site, SECOND_NAME, SECOND_LABEL);
      const command = node(PROGRAM, site.file('tls'), `${SERVER_NAME}=rsa,ec`, `${SECOND_NAME}=shop`);
      return () => startExample(site, command, { ...environment, PORT: String(port) });
    },
  });

  promiseServer(served);

  test('crypto.sign takes the key as a KeyObject, and signs beside the event loop when it is given a callback', async () => {
    const { site } = served();
    const program = `
      import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
      import { readFileSync } from 'node:fs';
      const [key, certificate] = process.argv.slice(1).map((file) => readFileSync(file));
      const data = Buffer.from('data');
      sign('sha256', data, createPrivateKey(key), (error, signature) => {
        if (error) throw error;
        console.log(verify('sha256', data, createPublicKey(certificate), signature));
      });`;
    const files = [site.file('tls/rsa.key'), site.file('tls/rsa.crt')];
    const signs = await site.signsDuring(async () => {
      const run = node('--input-type=module', '--eval', program, ...files);
      expect((await mustRun(...run, { env: environment })).stdout).toBe('true\n');
    });
    expect(signs).toMatchObject([{ status: 200, algorithm: 'RS256' }]);
  });

  promiseTwoHsms(served);
});
