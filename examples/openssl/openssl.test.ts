import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../demo/nginx.ts';
import { startService, waitFor } from '../../demo/process.ts';
import { MODULE } from '../../demo/tested-module.ts';
import { Workbench } from '../../demo/workbench.ts';

const MESSAGE = 'seen by the HSM alone\n';
const ENGINE = ['-engine', 'pkcs11'];
const KEYS = ['tlsRsa', 'tlsEc'] as const;
const PSS = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'];

let bench: Workbench;
let configuration: string;

const uri = (label: string): string => `pkcs11:token=demo;object=${label};type=private`;
const file = (name: string): string => bench.file(name);

/** openssl with the engine. */
function withHsm(...args: string[]): Promise<string> {
  return bench.run('openssl', args, { OPENSSL_CONF: configuration });
}

/** openssl that knows nothing of the HSM. */
const plainly = (...args: string[]): Promise<string> => bench.run('openssl', args);

/** @param extensions the section of the configuration that says what the certificate is for */
async function selfSign(label: string, extensions: 'authority' | 'server', certificate: string): Promise<string> {
  const key = [...ENGINE, '-keyform', 'engine', '-key', uri(label)];
  const subject = ['-subj', `/CN=${label}`, '-days', '30', '-extensions', extensions];
  await withHsm('req', '-new', '-x509', ...key, ...subject, '-out', file(certificate));
  return file(certificate);
}

beforeAll(async () => {
  bench = await Workbench.start('openssl');
  configuration = bench.fillIn('openssl/openssl-mhsm.cnf', {
    '/usr/lib/libmhsm-pkcs11.so': MODULE,
    'PIN = client-id:client-secret': `PIN = ${bench.pin}`,
  });
  await bench.offload.createKey('--RSA', '2K', '--label', 'tlsRsa');
  await bench.offload.createKey('--EC', 'P-256', '--label', 'tlsEc');
  const box = ['--key-type', 'rsa:2048', '--usage-sign', '--usage-decrypt', '--label', 'box', '--id', '0c'];
  await bench.run(bench.example('pkcs11-tool/pkcs11-tool.sh'), ['--keypairgen', ...box]);
  for (const label of [...KEYS, 'box']) {
    const certificate = await selfSign(label, 'authority', `${label}.crt`);
    bench.write(`${label}.pub`, await plainly('x509', '-in', certificate, '-pubkey', '-noout'));
  }
  bench.write('message', MESSAGE);
});

afterAll(() => bench?.stop());

describe.each(KEYS)('%s', (label) => {
  const key = (option: string): string[] => [...ENGINE, '-keyform', 'engine', option, uri(label)];

  test('req makes a request', async () => {
    await withHsm('req', '-new', ...key('-key'), '-subj', '/CN=www.example.com', '-out', file('request'));
    await plainly('req', '-in', file('request'), '-verify', '-noout');
  });

  test('req -x509 signs its own certificate', async () => {
    await plainly('verify', '-check_ss_sig', '-CAfile', file(`${label}.crt`), file(`${label}.crt`));
  });

  test("x509 -req signs a server's certificate as an authority", async () => {
    const subject = ['-newkey', 'rsa:2048', '-nodes', '-keyout', file('leaf.key'), '-subj', '/CN=www.example.com'];
    await plainly('req', '-new', ...subject, '-out', file('leaf.csr'));
    const authority = ['-CA', file(`${label}.crt`), '-CAkey', uri(label), '-CAkeyform', 'engine', '-CAcreateserial'];
    const extensions = ['-extfile', configuration, '-extensions', 'server', '-days', '30'];
    const files = ['-in', file('leaf.csr'), '-out', file('leaf.crt')];
    await withHsm('x509', '-req', ...ENGINE, ...files, ...authority, ...extensions);
    const checks = ['-verify_hostname', 'www.example.com', '-purpose', 'sslserver'];
    await plainly('verify', ...checks, '-CAfile', file(`${label}.crt`), file('leaf.crt'));
  });

  test('x509 -signkey signs a request with its own key', async () => {
    await withHsm('req', '-new', ...key('-key'), '-subj', '/CN=itself', '-out', file('request'));
    const files = ['-in', file('request'), '-out', file('itself.crt')];
    await withHsm('x509', '-req', ...files, ...key('-signkey'));
    await plainly('verify', '-check_ss_sig', '-partial_chain', '-CAfile', file('itself.crt'), file('itself.crt'));
  });

  test.each(['sha256', 'sha384', 'sha512'])('dgst -%s -sign', async (hash) => {
    await withHsm('dgst', `-${hash}`, ...key('-sign'), '-out', file('signature'), file('message'));
    const signature = ['-signature', file('signature'), file('message')];
    expect(await plainly('dgst', `-${hash}`, '-verify', file(`${label}.pub`), ...signature)).toBe('Verified OK\n');
    const inHsm = ['-verify', uri(label).replace('private', 'public'), ...ENGINE, '-keyform', 'engine'];
    expect(await withHsm('dgst', `-${hash}`, ...inHsm, ...signature)).toBe('Verified OK\n');
  });

  test('cms -sign', async () => {
    const files = ['-in', file('message'), '-out', file('signed'), '-nodetach', '-binary'];
    await withHsm('cms', '-sign', ...files, ...key('-inkey'), '-signer', file(`${label}.crt`));
    const trust = ['-CAfile', file(`${label}.crt`), '-purpose', 'any'];
    expect(await plainly('cms', '-verify', '-binary', '-in', file('signed'), ...trust)).toBe(MESSAGE);
  });

  test('s_server serves TLS 1.2 and 1.3', async () => {
    const port = await freePort();
    const certificate = await selfSign(label, 'server', 'server.crt');
    const how = ['s_server', ...key('-key'), '-cert', certificate, '-accept', `127.0.0.1:${port}`, '-www'];
    const server = await startService('openssl', how, {
      env: { ...bench.environment, OPENSSL_CONF: configuration },
    });
    try {
      for (const version of ['-tls1_2', '-tls1_3']) {
        const connect = ['s_client', version, '-connect', `127.0.0.1:${port}`, '-CAfile', certificate];
        const { stdout } = await waitFor('a handshake', async () => {
          const finished = await bench.attempt('openssl', connect);
          return finished.status === 0 ? finished : undefined;
        });
        expect(stdout).toContain('Verify return code: 0 (ok)');
      }
    } finally {
      await server.stop();
    }
  });
});

describe('RSA-PSS', () => {
  const key = (option: string): string[] => [...ENGINE, '-keyform', 'engine', option, uri('tlsRsa')];

  test.each(['sha256', 'sha384', 'sha512'])('dgst -%s', async (hash) => {
    await withHsm('dgst', `-${hash}`, ...key('-sign'), ...PSS, '-out', file('signature'), file('message'));
    const signature = ['-signature', file('signature'), file('message')];
    expect(await plainly('dgst', `-${hash}`, '-verify', file('tlsRsa.pub'), ...PSS, ...signature)).toBe(
      'Verified OK\n',
    );
  });

  test('req', async () => {
    await withHsm('req', '-new', ...key('-key'), ...PSS, '-subj', '/CN=pss', '-out', file('request'));
    expect(await plainly('req', '-in', file('request'), '-verify', '-noout', '-text')).toContain('rsassaPss');
  });

  test('cms -sign', async () => {
    const files = ['-in', file('message'), '-out', file('signed'), '-nodetach', '-binary'];
    const pss = ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:digest'];
    await withHsm('cms', '-sign', ...files, ...key('-inkey'), '-signer', file('tlsRsa.crt'), ...pss);
    const trust = ['-CAfile', file('tlsRsa.crt'), '-purpose', 'any'];
    expect(await plainly('cms', '-verify', '-binary', '-in', file('signed'), ...trust)).toBe(MESSAGE);
  });
});

describe('decryption', () => {
  const key = [...ENGINE, '-keyform', 'engine', '-inkey', uri('box')];

  test.each([
    ['PKCS#1', []],
    ['OAEP', ['-keyopt', 'rsa_padding_mode:oaep']],
  ])('cms -decrypt opens what was encrypted to the certificate with %s', async (_padding, keyOptions) => {
    const files = ['-in', file('message'), '-out', file('sealed'), '-binary', '-outform', 'DER'];
    await plainly('cms', '-encrypt', '-aes256', ...files, '-recip', file('box.crt'), ...keyOptions);
    const sealed = ['-in', file('sealed'), '-inform', 'DER', '-binary', '-recip', file('box.crt')];
    expect(await withHsm('cms', '-decrypt', ...sealed, ...key)).toBe(MESSAGE);
  });

  test.each(['pkcs1', 'oaep'])('pkeyutl -decrypt with %s', async (padding) => {
    const how = ['-pkeyopt', `rsa_padding_mode:${padding}`];
    const files = ['-in', file('message'), '-out', file('sealed')];
    await plainly('pkeyutl', '-encrypt', '-pubin', '-inkey', file('box.pub'), ...files, ...how);
    expect(await withHsm('pkeyutl', '-decrypt', ...key, '-in', file('sealed'), ...how)).toBe(MESSAGE);
  });

  test('rsautl -decrypt', async () => {
    const files = ['-in', file('message'), '-out', file('sealed')];
    await plainly('pkeyutl', '-encrypt', '-pubin', '-inkey', file('box.pub'), ...files);
    expect(await withHsm('rsautl', '-decrypt', ...key, '-in', file('sealed'))).toBe(MESSAGE);
  });
});
