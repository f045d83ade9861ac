import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startService } from '../../demo/process.ts';
import { MODULE } from '../../demo/tested-module.ts';
import { Workbench } from '../../demo/workbench.ts';

const KEYS = ['tlsRsa', 'tlsEc'] as const;

/** At the login, and for searches in vain three at once and one each second. */
const MOST_LISTS = 10;

let bench: Workbench;
let setting: string;

const file = (name: string): string => bench.file(name);

/** keytool or jarsigner on the token. */
function onToken(program: 'keytool' | 'jarsigner', ...args: string[]): Promise<string> {
  const provider = ['-providerClass', 'sun.security.pkcs11.SunPKCS11', '-providerArg', setting];
  const store = ['-keystore', 'NONE', '-storetype', 'PKCS11', '-storepass:file', file('pin')];
  const options = [...provider, ...store];
  // keytool wants its command first, jarsigner its files last.
  const all = program === 'keytool' ? [...args, ...options] : [...options, ...args];
  return bench.run(program, all);
}

async function selfSigned(label: string): Promise<string> {
  const key = ['--load-privkey', `pkcs11:token=demo;object=${label};type=private`];
  const template = ['--template', bench.example('p11tool/certificate.cfg')];
  const args = ['certtool', '--generate-self-signed', ...key, ...template, '--outfile', file(`${label}.crt`)];
  await bench.run(bench.example('p11tool/p11tool.sh'), args);
  return file(`${label}.crt`);
}

beforeAll(async () => {
  bench = await Workbench.start('java');
  setting = bench.fillIn('java/pkcs11.cfg', { '/usr/lib/libmhsm-pkcs11.so': MODULE });
  await bench.offload.createKey('--RSA', '2K', '--label', 'tlsRsa');
  await bench.offload.createKey('--EC', 'P-256', '--label', 'tlsEc');
  const certificates: string[] = [];
  for (const label of KEYS) {
    certificates.push(await selfSigned(label));
    bench.write(`${label}.pub`, await bench.run('openssl', ['x509', '-in', file(`${label}.crt`), '-pubkey', '-noout']));
  }
  bench.offload.writeConfiguration({ token: { certificates } });
  bench.write('message', 'signed by the HSM alone');
});

afterAll(() => bench?.stop());

describe('keytool', () => {
  test('-list has an entry for every key with a certificate', async () => {
    const entries = [...(await onToken('keytool', '-list')).matchAll(/^(\w+), PrivateKeyEntry/gm)];
    expect(entries.map(([, alias]) => alias).sort()).toEqual(['tlsEc', 'tlsRsa']);
  });

  test('-list, which searches for much that is not there, asks for a few lists alone', async () => {
    const before = await bench.offload.mock.sequence();
    await onToken('keytool', '-list');
    const lists = (await bench.offload.mock.requests(before)).filter(({ operation }) => operation === 'list');
    expect(lists.length).toBeLessThanOrEqual(MOST_LISTS);
  });

  test.each(KEYS)('-certreq requests a certificate for %s', async (alias) => {
    await onToken('keytool', '-certreq', '-alias', alias, '-file', file('request'));
    await bench.run('openssl', ['req', '-in', file('request'), '-verify', '-noout']);
  });

  test('-genkeypair cannot put a key and its certificate onto the token: keys come from mhsm_p11_create_key', async () => {
    const before = await bench.offload.mock.sequence();
    const made = onToken('keytool', '-genkeypair', '-keyalg', 'EC', '-alias', 'made', '-dname', 'CN=made');
    await expect(made).rejects.toThrow();
    const operations = (await bench.offload.mock.requests(before)).map(({ operation }) => operation);
    expect(operations).not.toContain('create');
  });
});

test.each(KEYS)('jarsigner signs with %s, and -verify finds the signature good', async (alias) => {
  const jar = file(`${alias}.jar`);
  await bench.run('jar', ['--create', '--file', jar, '-C', bench.folder, 'message']);
  await onToken('jarsigner', jar, alias);
  expect(await bench.run('jarsigner', ['-verify', jar])).toContain('jar verified.');
});

test.each([
  ['SHA256withRSA', 'tlsRsa', []],
  ['SHA256withRSASSA-PSS', 'tlsRsa', ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']],
  // A digest of 64 bytes for a curve of 32.
  ['SHA512withECDSA', 'tlsEc', []],
])('a program signs by %s', async (algorithm, alias, options) => {
  const files = [file('message'), file('signature')];
  await bench.run('java', [bench.example('java/Sign.java'), setting, file('pin'), alias, algorithm, ...files]);
  const hash = `-${algorithm.slice(0, 6).toLowerCase()}`;
  const signature = ['-signature', file('signature'), file('message')];
  const verified = await bench.run('openssl', [
    'dgst',
    hash,
    '-verify',
    file(`${alias}.pub`),
    ...options,
    ...signature,
  ]);
  expect(verified).toBe('Verified OK\n');
});

test('a program serves TLS 1.2 and 1.3 with both keys', async () => {
  const server = await startService('java', [bench.example('java/TlsServer.java'), setting, file('pin'), '0'], {
    env: bench.environment,
  });
  try {
    const port = /serving at port (\d+)/.exec(server.firstLine)?.[1];
    for (const [alias, algorithms] of [
      ['tlsRsa', 'rsa_pss_rsae_sha256:RSA+SHA256'],
      ['tlsEc', 'ECDSA+SHA256'],
    ] as const) {
      for (const version of ['-tls1_2', '-tls1_3']) {
        const to = ['-connect', `127.0.0.1:${port}`, '-CAfile', file(`${alias}.crt`), '-sigalgs', algorithms];
        const said = await bench.run('openssl', ['s_client', version, '-ign_eof', ...to]);
        expect(said).toContain('Verify return code: 0 (ok)');
        expect(said).toContain('served by Java');
      }
    }
  } finally {
    await server.stop();
  }
});
