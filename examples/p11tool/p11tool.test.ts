import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../demo/nginx.ts';
import { waitFor } from '../../demo/process.ts';
import { Workbench } from '../../demo/workbench.ts';

const URL = 'pkcs11:token=demo';
const KEYS = ['tlsRsa', 'tlsEc'] as const;

let bench: Workbench;

const script = (): string => bench.example('p11tool/p11tool.sh');
const p11tool = (...args: string[]): Promise<string> => bench.run(script(), ['p11tool', ...args]);
const privateKey = (label: string): string => `${URL};object=${label};type=private`;

/** To a file, because p11tool waits three seconds before it prints a public key. */
async function exportPublicKey(label: string): Promise<string> {
  await p11tool('--export-pubkey', privateKey(label), '--outfile', bench.file('pub.pem'));
  return bench.read('pub.pem');
}

beforeAll(async () => {
  bench = await Workbench.start('p11tool');
  await bench.offload.createKey('--RSA', '2K', '--label', 'tlsRsa');
  await bench.offload.createKey('--EC', 'P-384', '--label', 'tlsEc');
});

afterAll(() => bench?.stop());

describe('what there is', () => {
  test('--list-tokens names the token', async () => {
    expect(await p11tool('--list-tokens')).toContain('Label: demo');
  });

  test('--list-all shows both halves of every key', async () => {
    const objects = await p11tool('--list-all', URL);
    for (const label of KEYS) {
      expect(objects).toContain(`object=${label};type=private`);
      expect(objects).toContain(`object=${label};type=public`);
    }
    expect(objects).toContain('Flags: CKA_PRIVATE; CKA_NEVER_EXTRACTABLE; CKA_SENSITIVE;');
  });

  test('--list-mechanisms names every use of RSA and EC keys', async () => {
    const mechanisms = await p11tool('--list-mechanisms', URL);
    expect(mechanisms).toMatch(/CKM_RSA_PKCS_PSS keysize range \(2048, 4096\) hw sign verify/);
    expect(mechanisms).toMatch(/CKM_ECDSA_SHA512 keysize range \(256, 521\) hw sign verify/);
  });

  test.each(KEYS)('--export-pubkey of %s is what the HSM holds', async (label) => {
    const exported = await exportPublicKey(label);
    expect(await p11tool('--export', `${URL};object=${label};type=public`)).toContain(exported.trim());
    await bench.run('openssl', ['pkey', '-pubin', '-in', bench.file('pub.pem'), '-noout', '-check', '-pubcheck']);
  });
});

describe('use', () => {
  test.each(KEYS)('--test-sign with %s', async (label) => {
    const { stderr } = await bench.attempt(script(), ['p11tool', '--test-sign', privateKey(label)]);
    expect(stderr.match(/\.\.\. ok/g)).toHaveLength(3);
  });

  test('--test-sign with PSS', async () => {
    const args = ['p11tool', '--sign-params', 'RSA-PSS', '--hash', 'SHA256', '--test-sign', privateKey('tlsRsa')];
    const { stderr } = await bench.attempt(script(), args);
    expect(stderr).toMatch(/RSA-PSS.*ok/);
  });

  test.each([
    ['--generate-privkey', 'RSA', '--bits', '2048'],
    ['--generate-privkey', 'ecdsa', '--curve', 'secp256r1'],
  ])('%s %s %s %s makes a key that signs', async (...how) => {
    const label = `made-${how[1]}`;
    await p11tool(...how, '--label', label, '--outfile', bench.file('made.pem'), URL);
    expect(await exportPublicKey(label)).toBe(bench.read('made.pem'));
    await p11tool('--test-sign', privateKey(label));
  });
});

describe('certtool', () => {
  const certtool = (how: string, label: string, file: string) => {
    const template = ['--template', bench.example('p11tool/certificate.cfg')];
    const key = ['--load-privkey', privateKey(label)];
    return bench.run(script(), ['certtool', how, ...key, ...template, '--outfile', bench.file(file)]);
  };

  test.each(KEYS)('requests a certificate for %s', async (label) => {
    await certtool('--generate-request', label, 'request.pem');
    await bench.run('openssl', ['req', '-in', bench.file('request.pem'), '-verify', '-noout']);
  });

  test.each(KEYS)('signs a certificate with %s itself', async (label) => {
    await certtool('--generate-self-signed', label, `${label}.crt`);
    const certificate = bench.file(`${label}.crt`);
    await bench.run('openssl', ['verify', '-CAfile', certificate, '-check_ss_sig', '-partial_chain', certificate]);
  });

  test('and gnutls-serv serves TLS 1.2 and 1.3 with both', async () => {
    const port = await freePort();
    const files = KEYS.flatMap((label) => [
      '--x509keyfile',
      privateKey(label),
      '--x509certfile',
      bench.file(`${label}.crt`),
    ]);
    const serve = ['gnutls-serv', '--port', String(port), '--echo', '--disable-client-cert', ...files];
    const server: ChildProcess = spawn(script(), serve, { env: bench.environment, stdio: 'ignore' });
    const ended = new Promise((resolve) => server.once('close', resolve));
    const connect = (...args: string[]) =>
      bench.attempt('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', ...args]);
    try {
      const rsa = [bench.file('tlsRsa.crt'), '-sigalgs', 'rsa_pss_rsae_sha256:RSA+SHA256'];
      const ec = [bench.file('tlsEc.crt'), '-sigalgs', 'ECDSA+SHA384'];
      await waitFor('gnutls-serv', async () => ((await connect(...rsa)).status === 0 ? true : undefined));
      for (const args of [rsa, ec]) {
        for (const version of ['-tls1_2', '-tls1_3']) {
          expect((await connect(...args, version)).stdout).toContain('Verify return code: 0 (ok)');
        }
      }
    } finally {
      server.kill();
      await ended;
    }
  });
});
