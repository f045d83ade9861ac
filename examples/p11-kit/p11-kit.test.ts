import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../demo/process.ts';
import { MODULE } from '../../demo/tested-module.ts';
import { Workbench } from '../../demo/workbench.ts';

/** The folder of Debian's libraries has the name of the processor. */
function library(name: string): string {
  const [file] = globSync(`/usr/lib/*-linux-gnu/${name}`);
  if (file === undefined) throw new Error(`there is no ${name}: install p11-kit and p11-kit-modules`);
  return file;
}

const PROXY = library('p11-kit-proxy.so');
const CLIENT = library('pkcs11/p11-kit-client.so');

let bench: Workbench;

/** In a view of the file system where p11-kit finds one module file alone, as the host's own are not the test's to change. */
async function withModule(example: string, program: string, ...args: string[]): Promise<string> {
  const modules = bench.file(example.replace('.module', ''));
  mkdirSync(modules, { recursive: true });
  renameSync(bench.fillIn(`p11-kit/${example}`, { '/usr/lib/libmhsm-pkcs11.so': MODULE }), join(modules, example));
  const enter = 'mount --bind "$1" /usr/share/p11-kit/modules && shift && exec "$@"';
  const inside = ['--mount', 'sh', '-c', enter, 'sh', modules, program, ...args];
  return bench.run('unshare', inside, { PIN: bench.pin, GNUTLS_PIN: bench.pin });
}

const LOGIN = ['--login', '--pin', 'env:PIN'];

/** Signs with a key over `module` and holds the signature against the public key, which it also asks for there. */
async function expectSignature(
  pkcs11Tool: (...args: string[]) => Promise<string>,
  { id, mechanism, input = 'message' }: { id: string; mechanism: string; input?: string },
): Promise<void> {
  const key = [...LOGIN, '--id', id];
  await pkcs11Tool(...key, '--read-object', '--type', 'pubkey', '--output-file', bench.file('pub.der'));
  const files = ['--input-file', bench.file(input), '--output-file', bench.file('signature')];
  await pkcs11Tool(...key, '--sign', '--mechanism', mechanism, '--signature-format', 'openssl', ...files);
  const check = ['-verify', bench.file('pub.der'), '-keyform', 'DER', '-signature', bench.file('signature')];
  await bench.run('openssl', ['dgst', '-sha256', ...check, bench.file('message')]);
}

const RSA = { id: '0a', mechanism: 'SHA256-RSA-PKCS' };
const EC = { id: '0b', mechanism: 'ECDSA', input: 'digest' };

beforeAll(async () => {
  bench = await Workbench.start('p11-kit');
  const generate = ['--keypairgen', '--usage-sign', '--key-type'];
  const script = bench.example('pkcs11-tool/pkcs11-tool.sh');
  await bench.run(script, [...generate, 'rsa:2048', '--label', 'tlsRsa', '--id', '0a']);
  await bench.run(script, [...generate, 'EC:secp256r1', '--label', 'tlsEc', '--id', '0b']);
  bench.write('message', 'signed by the HSM alone');
  await bench.run('openssl', ['dgst', '-sha256', '-binary', '-out', bench.file('digest'), bench.file('message')]);
});

afterAll(() => bench?.stop());

describe.each(['mhsm.module', 'mhsm-remote.module'])('%s', (example) => {
  const proxy = (...args: string[]) => withModule(example, 'pkcs11-tool', '--module', PROXY, ...args);

  test('p11-kit list-modules shows the module with its token', async () => {
    const modules = await withModule(example, 'p11-kit', 'list-modules');
    expect(modules).toMatch(/library-description: Azure Managed HSM.*token: demo/s);
  });

  test('p11tool needs no --provider', async () => {
    const objects = await withModule(example, 'p11tool', '--login', '--list-all', 'pkcs11:token=demo');
    expect(objects).toContain('object=tlsRsa;type=private');
  });

  test.each([RSA, EC])('the proxy signs by $mechanism', async (how) => {
    await expectSignature(proxy, how);
  });
});

describe('p11-kit server', () => {
  let server: ChildProcess;

  const client = (...args: string[]) =>
    bench.run('pkcs11-tool', ['--module', CLIENT, ...args], {
      P11_KIT_SERVER_ADDRESS: `unix:path=${bench.file('p11-kit.sock')}`,
      PIN: bench.pin,
    });

  beforeAll(async () => {
    const how = ['server', '--foreground', '--provider', MODULE, '--name', bench.file('p11-kit.sock')];
    server = spawn('p11-kit', [...how, 'pkcs11:token=demo'], { env: bench.environment, stdio: 'ignore' });
    await waitFor('the socket of p11-kit', () => (existsSync(bench.file('p11-kit.sock')) ? true : undefined));
  });

  afterAll(async () => {
    server.kill();
    await once(server, 'close');
  });

  test('gives its clients the token', async () => {
    expect(await client('-L')).toMatch(/token label +: demo/);
  });

  test.each([RSA, EC])('signs by $mechanism for its clients', async (how) => {
    await expectSignature(client, how);
  });

  test("of version 0.24 does not carry ECDSA-SHA256: the digest is the caller's", async () => {
    expect(await client('-M')).not.toContain('ECDSA-SHA256');
    await expect(expectSignature(client, { id: '0b', mechanism: 'ECDSA-SHA256' })).rejects.toThrow(/MECHANISM_INVALID/);
  });
});
