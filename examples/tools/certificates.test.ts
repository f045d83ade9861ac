// Certificates and requests for keys that stay in the HSM, as openssl judges them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, Offload } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';

const KEYS = [
  { label: 'rsa', kind: ['--RSA', '2K'], options: [], algorithm: 'sha256WithRSAEncryption' },
  { label: 'rsa', kind: undefined, options: ['--pss', '--digest', 'sha512'], algorithm: 'rsassaPss' },
  { label: 'p256', kind: ['--EC', 'P-256'], options: [], algorithm: 'ecdsa-with-SHA256' },
  { label: 'p256', kind: undefined, options: ['--digest', 'sha512'], algorithm: 'ecdsa-with-SHA512' },
  { label: 'p256k', kind: ['--EC', 'P-256K'], options: [], algorithm: 'ecdsa-with-SHA256' },
  { label: 'p384', kind: ['--EC', 'P-384'], options: [], algorithm: 'ecdsa-with-SHA384' },
  { label: 'p521', kind: ['--EC', 'P-521'], options: [], algorithm: 'ecdsa-with-SHA512' },
] as const;

let folder: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-certificates-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  for (const { label, kind } of KEYS) if (kind !== undefined) await offload.createKey(...kind, '--label', label);
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tool = (...args: string[]) => runProgram(join(BIN, 'mhsm-p11'), args, { env: offload.toolEnvironment });
const openssl = async (...args: string[]) => (await mustRun('openssl', args)).stdout;

describe.each(KEYS)('with a key $label and $options', ({ label, options, algorithm }) => {
  test('openssl accepts the request', async () => {
    const out = join(folder, 'request.pem');
    const names = [
      '--subject',
      'CN=www.example.com,O=Müller \\+ Co,C=DE',
      '--san',
      'DNS:www.example.com,IP:2001:db8::1',
    ];
    expect(await tool('csr', '--label', label, ...options, ...names, '--out', out)).toMatchObject({
      status: 0,
      stderr: '',
    });
    const text = await openssl('req', '-in', out, '-verify', '-noout', '-text', '-nameopt', 'RFC2253,utf8,-esc_msb');
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toContain('Subject: CN=www.example.com,O=Müller \\+ Co,C=DE');
    expect(text).toContain('DNS:www.example.com, IP Address:2001:DB8:0:0:0:0:0:1');
    expect(text).toContain('Digital Signature');
  });

  test('openssl trusts the certificate', async () => {
    const out = join(folder, 'certificate.pem');
    const names = ['--subject', '/C=DE/CN=www.example.com', '--days', '30'];
    expect(await tool('self-sign', '--label', label, ...options, ...names, '--out', out)).toMatchObject({
      status: 0,
      stderr: '',
    });
    const verified = await openssl(
      'verify',
      '-check_ss_sig',
      '-purpose',
      'sslserver',
      '-verify_hostname',
      'www.example.com',
      '-CAfile',
      out,
      out,
    );
    expect(verified).toBe(`${out}: OK\n`);
    const text = await openssl('x509', '-in', out, '-noout', '-text');
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toContain('CA:FALSE');
    expect(text).toContain('TLS Web Server Authentication');
  });
});

test('a certificate lasts so many days from its first, to the second', async () => {
  const days = ['--not-before', '2031-03-01', '--days', '90'];
  const { stdout } = await tool('self-sign', '--label', 'p256', '--subject', 'CN=x', ...days);
  expect(stdout).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
  const out = join(folder, 'days.pem');
  await tool('self-sign', '--label', 'p256', '--subject', 'CN=x', ...days, '--out', out);
  expect(await openssl('x509', '-in', out, '-noout', '-dates')).toBe(
    'notBefore=Mar  1 00:00:00 2031 GMT\nnotAfter=May 29 23:59:59 2031 GMT\n',
  );
  expect(readFileSync(out, 'utf8').endsWith('-----END CERTIFICATE-----\n')).toBe(true);
});

describe('what is wrong is said before anything is signed', () => {
  test.each([
    [['csr', '--label', 'rsa'], 2, 'no subject was given; hint: say --subject CN=www.example.com'],
    [
      ['csr', '--subject', 'CN=x'],
      2,
      'no key was chosen; hint: say --label, --id or --name; mhsm_p11_list_keys shows them',
    ],
    [
      ['csr', '--subject', 'CN=x', '--label', 'none'],
      1,
      'no key has label none; hint: mhsm_p11_list_keys shows what this identity sees',
    ],
    [
      ['csr', '--subject', 'CN=x', '--label', 'p256', '--pss'],
      2,
      /^key p11-[0-9a-f]{32} is an EC key; hint: leave --pss out: it is for RSA$/,
    ],
    [
      ['self-sign', '--subject', 'CN=x', '--label', 'p256', '--days', '0'],
      2,
      '--days 0 is not a whole number from 1 to 36500; hint: correct it',
    ],
    [
      ['csr', '--subject', 'CN=x', '--label', 'p256', '--digest', 'sha1'],
      2,
      /^option '--digest <name>' argument 'sha1' is invalid\. .*; hint: mhsm-p11 --help$/,
    ],
    [['self-sing'], 2, /^unknown command 'self-sing'/],
  ])('mhsm-p11 %j', async (args, status, message) => {
    const finished = await tool(...args);
    expect(finished.status).toBe(status);
    const line = /^mhsm-p11: (.*)\n$/.exec(finished.stderr)?.[1] ?? finished.stderr;
    expect(line).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
  });

  test('two keys of one label are told apart by name', async () => {
    await offload.createKey('--EC', 'P-256', '--label', 'twin', '--name', 'twin-1');
    await offload.createKey('--EC', 'P-256', '--label', 'twin', '--name', 'twin-2');
    const { stderr } = await tool('csr', '--subject', 'CN=x', '--label', 'twin');
    expect(stderr).toMatch(/^mhsm-p11: 2 keys have label twin: twin-\d, twin-\d; hint: choose one by --name\n$/);
    expect((await tool('csr', '--subject', 'CN=x', '--label', 'twin', '--name', 'twin-2')).status).toBe(0);
  });
});
