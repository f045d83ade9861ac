import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MODULE } from '../../demo/tested-module.ts';
import { Workbench } from '../../demo/workbench.ts';

const KEYS = ['tlsRsa', 'tlsEc'] as const;

let bench: Workbench;

const database = (): string => `sql:${bench.file('nss')}`;
const pinFile = (): string[] => ['-f', bench.file('pin')];
const certutil = (...args: string[]): Promise<string> =>
  bench.run('certutil', [...args, '-d', database(), '-h', 'demo', ...pinFile()]);

/** CKA_ID of the key with a label, as -K lists it. */
async function idOf(label: string): Promise<string> {
  const id = new RegExp(`(\\S+) +${label}$`, 'm').exec(await certutil('-K'))?.[1];
  if (id === undefined) throw new Error(`certutil -K lists no ${label}`);
  return id;
}

/** A request by `certutil -R`, in PEM. */
async function request(key: string): Promise<string> {
  await certutil('-R', '-k', key, '-s', 'CN=www.example.com', '-a', '-o', bench.file('request'));
  await bench.run('openssl', ['req', '-in', bench.file('request'), '-verify', '-noout']);
  return bench.file('request');
}

beforeAll(async () => {
  bench = await Workbench.start('nss');
  await bench.run(bench.example('nss/nss-database.sh'), [bench.file('nss')]);
  await bench.offload.createKey('--RSA', '2K', '--label', 'tlsRsa');
  await bench.offload.createKey('--EC', 'P-256', '--label', 'tlsEc');
});

afterAll(() => bench?.stop());

test('modutil -list shows the module with its token', async () => {
  const modules = await bench.run('modutil', ['-dbdir', database(), '-list', 'mhsm']);
  expect(modules).toContain(`Library file: ${MODULE}`);
  expect(modules).toContain('Token Name: demo');
});

test('certutil -K lists the keys', async () => {
  const keys = await certutil('-K');
  expect(keys).toMatch(/rsa +[0-9a-f]{40} +tlsRsa/);
  expect(keys).toMatch(/ec +[0-9a-f]{40} +tlsEc/);
});

test.each(KEYS)('certutil -R requests a certificate for %s, by its id', async (label) => {
  await request(await idOf(label));
});

test('certutil -S puts no certificate onto the token: certificates come from the configuration', async () => {
  const subject = ['-s', 'CN=itself', '-x', '-t', ',,', '-m', '1'];
  const args = [
    '-S',
    '-k',
    await idOf('tlsRsa'),
    '-n',
    'itself',
    ...subject,
    '-d',
    database(),
    '-h',
    'demo',
    ...pinFile(),
  ];
  const { stderr } = await bench.attempt('certutil', args);
  expect(stderr).toContain('SEC_ERROR_ADDING_CERT');
});

describe('with certificates in the configuration', () => {
  let certificates: string[];

  /** A certificate without key usage, so that NSS takes it for an authority and for mail. */
  async function selfSigned(label: string): Promise<string> {
    const key = ['--load-privkey', `pkcs11:token=demo;object=${label};type=private`];
    const template = ['--template', bench.write(`${label}.cfg`, `cn = ${label}\nca\n`)];
    const args = ['certtool', '--generate-self-signed', ...key, ...template, '--outfile', bench.file(`${label}.crt`)];
    await bench.run(bench.example('p11tool/p11tool.sh'), args);
    return bench.file(`${label}.crt`);
  }

  beforeAll(async () => {
    certificates = await Promise.all(KEYS.map(selfSigned));
    bench.offload.writeConfiguration({ token: { certificates } });
    for (const label of KEYS) {
      await bench.run('certutil', [
        '-A',
        '-d',
        database(),
        '-n',
        label,
        '-t',
        'CT,CT,CT',
        '-i',
        bench.file(`${label}.crt`),
      ]);
    }
  });

  const issue = (label: string, requestFile: string) =>
    bench.attempt('certutil', [
      ...['-C', '-c', `demo:${label}`, '-i', requestFile, '-a', '-o', bench.file('issued.crt'), '-m', '7'],
      ...['-d', database(), ...pinFile()],
    ]);

  test('certutil -L lists them, each as one whose key is there', async () => {
    const list = await certutil('-L');
    for (const label of KEYS) expect(list).toMatch(new RegExp(`demo:${label} +CTu,Cu,Cu`));
  });

  test.each(KEYS)('cmsutil signs with %s', async (label) => {
    bench.write('message', 'signed by the HSM alone');
    const files = ['-i', bench.file('message'), '-o', bench.file('signed')];
    await bench.run('cmsutil', ['-S', '-d', database(), ...pinFile(), '-N', `demo:${label}`, ...files]);
    const signed = ['-inform', 'DER', '-in', bench.file('signed'), '-binary'];
    const trust = ['-CAfile', bench.file(`${label}.crt`), '-purpose', 'any'];
    expect(await bench.run('openssl', ['cms', '-verify', ...signed, ...trust])).toBe('signed by the HSM alone');
  });

  test('certutil -C does not log in to look for the certificate of the authority', async () => {
    const { stderr } = await issue('tlsRsa', await request(await idOf('tlsEc')));
    expect(stderr).toContain('could not find certificate named "demo:tlsRsa"');
  });

  test.each(KEYS)('certutil -C signs a request with %s as an authority where no login is needed', async (label) => {
    const { clientId, clientSecret } = bench.offload.mock.keyGeneration;
    bench.offload.writeConfiguration({ token: { certificates, credential: { clientId, clientSecret } } });
    expect(await issue(label, await request(await idOf('tlsEc')))).toMatchObject({ status: 0 });
    await bench.run('openssl', ['verify', '-CAfile', bench.file(`${label}.crt`), bench.file('issued.crt')]);
  });
});
