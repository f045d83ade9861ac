import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finished } from '../../demo/process.ts';
import { MODULE } from '../../demo/tested-module.ts';
import { Workbench } from '../../demo/workbench.ts';

const MESSAGE = 'signed by the HSM alone';
const RSA_ID = '0a';
const EC_ID = '0b';
const BOX_ID = '0c';

const MECHANISMS = [
  ...['RSA-PKCS-KEY-PAIR-GEN', 'ECDSA-KEY-PAIR-GEN'],
  ...['RSA-PKCS', 'SHA256-RSA-PKCS', 'SHA384-RSA-PKCS', 'SHA512-RSA-PKCS'],
  ...['RSA-PKCS-PSS', 'SHA256-RSA-PKCS-PSS', 'SHA384-RSA-PKCS-PSS', 'SHA512-RSA-PKCS-PSS'],
  ...['ECDSA', 'ECDSA-SHA256', 'ECDSA-SHA384', 'ECDSA-SHA512'],
  ...['RSA-PKCS-OAEP', 'SHA256', 'SHA384', 'SHA512'],
];

let bench: Workbench;

const script = (): string => bench.example('pkcs11-tool/pkcs11-tool.sh');
const pkcs11Tool = (...args: string[]): Promise<string> => bench.run(script(), args);
const attempt = (...args: string[]): Promise<Finished> => bench.attempt(script(), args);
/** Without a login, as the script always logs in. */
const publicly = (...args: string[]): Promise<string> => bench.run('pkcs11-tool', ['--module', MODULE, ...args]);
const generate = (type: string, label: string, id: string, ...args: string[]): Promise<string> =>
  pkcs11Tool('--keypairgen', '--key-type', type, '--label', label, '--id', id, ...args);
const publicKeyFile = async (id: string): Promise<string> => {
  await pkcs11Tool('--read-object', '--type', 'pubkey', '--id', id, '--output-file', bench.file(`${id}.der`));
  return bench.file(`${id}.der`);
};

beforeAll(async () => {
  bench = await Workbench.start('pkcs11-tool');
  await generate('rsa:2048', 'signer', RSA_ID, '--usage-sign');
  await generate('EC:secp256r1', 'signer', EC_ID, '--usage-sign');
  await generate('rsa:2048', 'box', BOX_ID, '--usage-decrypt');
  bench.write('message', MESSAGE);
});

afterAll(() => bench?.stop());

describe('what there is', () => {
  test('-L lists the slot with its token, without a login', async () => {
    expect(await publicly('-L')).toMatch(/Slot 0 \(0x0\).*\n +token label +: demo\n/);
  });

  test('-M lists every mechanism', async () => {
    const names = [...(await publicly('-M')).matchAll(/^ {2}([A-Z0-9-]+),/gm)].map(([, name]) => name);
    expect(names).toEqual(MECHANISMS);
  });

  test('-O lists both halves of every key after the login, and nothing before', async () => {
    const objects = await pkcs11Tool('-O');
    for (const half of ['Private', 'Public']) {
      for (const id of [RSA_ID, EC_ID, BOX_ID])
        expect(objects).toMatch(new RegExp(`${half} Key(.*\n){1,4} +ID: +${id}`));
    }
    expect(objects).toContain('Access:     sensitive, always sensitive, never extractable, local');
    expect(await publicly('-O')).toBe('');
  });
});

test.each([
  ['rsa:2048', 'RSA 2048 bits', '10'],
  ['rsa:3072', 'RSA 3072 bits', '11'],
  ['rsa:4096', 'RSA 4096 bits', '12'],
  ['EC:secp256r1', 'EC_POINT 256 bits', '13'],
  ['EC:secp384r1', 'EC_POINT 384 bits', '14'],
  ['EC:secp521r1', 'EC_POINT 528 bits', '15'],
  ['EC:secp256k1', 'EC_POINT 256 bits', '16'],
])('--keypairgen makes %s', async (type, shown, id) => {
  expect(await generate(type, type, id)).toContain(shown);
});

interface Signature {
  mechanism: string;
  hash: 'sha256' | 'sha384' | 'sha512';
  padding: 'pkcs1' | 'pss' | 'ecdsa';
  /** What the mechanism takes: the message, or what was made of it. */
  input: 'message' | 'digest' | 'digestInfo';
}

const HASHES = ['sha256', 'sha384', 'sha512'] as const;
const SIGNATURES: readonly Signature[] = HASHES.flatMap((hash): Signature[] => {
  const name = hash.toUpperCase();
  return [
    { mechanism: 'RSA-PKCS', hash, padding: 'pkcs1', input: 'digestInfo' },
    { mechanism: `${name}-RSA-PKCS`, hash, padding: 'pkcs1', input: 'message' },
    { mechanism: 'RSA-PKCS-PSS', hash, padding: 'pss', input: 'digest' },
    { mechanism: `${name}-RSA-PKCS-PSS`, hash, padding: 'pss', input: 'message' },
    { mechanism: 'ECDSA', hash, padding: 'ecdsa', input: 'digest' },
    { mechanism: `ECDSA-${name}`, hash, padding: 'ecdsa', input: 'message' },
  ];
});

/** SEQUENCE { SEQUENCE { OID of the hash, NULL }, OCTET STRING } up to the digest (RFC 8017, section 9.2). */
const DIGEST_INFO = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

function inputOf({ hash, input }: Signature): string | Uint8Array {
  if (input === 'message') return MESSAGE;
  const digest = createHash(hash).update(MESSAGE).digest();
  return input === 'digest' ? digest : Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest]);
}

test.each(SIGNATURES)('--sign with $mechanism ($hash) holds for openssl and for --verify', async (signature) => {
  const { mechanism, hash, padding, input } = signature;
  const id = padding === 'ecdsa' ? EC_ID : RSA_ID;
  const parameters = {
    pkcs1: [],
    pss: input === 'digest' ? ['--hash-algorithm', hash.toUpperCase(), '--mgf', `MGF1-${hash.toUpperCase()}`] : [],
    ecdsa: ['--signature-format', 'openssl'],
  }[padding];
  const file = bench.write('input', inputOf(signature));
  const how = ['--mechanism', mechanism, ...parameters, '--id', id, '--input-file', file];
  await pkcs11Tool('--sign', ...how, '--output-file', bench.file('signature'));

  const pss = padding === 'pss' ? ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'] : [];
  const key = ['-verify', await publicKeyFile(id), '-keyform', 'DER', '-signature', bench.file('signature')];
  await bench.run('openssl', ['dgst', `-${hash}`, ...key, ...pss, bench.file('message')]);
  expect(await pkcs11Tool('--verify', ...how, '--signature-file', bench.file('signature'))).toBe(
    'Signature is valid\n',
  );
});

test.each([
  ['RSA-PKCS', [], ['-pkeyopt', 'rsa_padding_mode:pkcs1']],
  ['RSA-PKCS-OAEP', ['--hash-algorithm', 'SHA-1'], ['-pkeyopt', 'rsa_padding_mode:oaep']],
  [
    'RSA-PKCS-OAEP',
    ['--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256'],
    ['-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha256', '-pkeyopt', 'rsa_mgf1_md:sha256'],
  ],
])('--decrypt with %s %j opens what OpenSSL encrypts to the public key', async (mechanism, parameters, padding) => {
  const key = ['-pubin', '-inkey', await publicKeyFile(BOX_ID), '-keyform', 'DER'];
  const files = ['-in', bench.file('message'), '-out', bench.file('encrypted')];
  await bench.run('openssl', ['pkeyutl', '-encrypt', ...key, ...files, ...padding]);
  const inOut = ['--input-file', bench.file('encrypted'), '--output-file', bench.file('decrypted')];
  await pkcs11Tool('--decrypt', '--id', BOX_ID, '--mechanism', mechanism, ...parameters, ...inOut);
  expect(bench.read('decrypted')).toBe(MESSAGE);
});

test.each(HASHES)('--hash with %s gives the digest', async (hash) => {
  const inOut = ['--input-file', bench.file('message'), '--output-file', bench.file('digest')];
  await pkcs11Tool('--hash', '--mechanism', hash.toUpperCase(), ...inOut);
  expect(readFileSync(bench.file('digest'))).toEqual(createHash(hash).update(MESSAGE).digest());
});

describe('random numbers', () => {
  test('are refused without a role at /, with the command that grants it', async () => {
    const { status, stderr } = await attempt('--generate-random', '64');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/az keyvault role assignment create .* --role "Managed HSM Crypto User" .* --scope \//);
  });

  test('come from the HSM with it', async () => {
    await bench.grantRandom();
    const before = await bench.offload.mock.sequence();
    await pkcs11Tool('--generate-random', '64', '--output-file', bench.file('random'));
    expect(statSync(bench.file('random')).size).toBe(64);
    const operations = (await bench.offload.mock.requests(before)).map(({ operation }) => operation);
    expect(operations).toContain('rng');
  });
});

describe('the tests of the program itself', () => {
  test('--test: every test passes but C_SignUpdate with RSA-PKCS, which PKCS#11 gives one part alone', async () => {
    const { stdout, stderr } = await attempt('--test');
    const errors = [...stderr.matchAll(/ERR: (.*)/g), ...stdout.matchAll(/ERR: (.*)/g)].map(([, error]) => error);
    expect(errors).toEqual(['C_SignUpdate failed: CKR_OPERATION_NOT_INITIALIZED (0x91)']);
    for (const passed of [
      'seems to be OK',
      'all 4 digest functions seem to work',
      'SHA256-RSA-PKCS: OK',
      '1 errors\n',
    ]) {
      expect(stdout).toContain(passed);
    }
    expect(stdout).toMatch(/Verify.*RSA-PKCS: OK.*Decryption.*RSA-PKCS: OK.*RSA-PKCS-OAEP: [^\n]*\nOK/s);
  });

  test('--test-fork', async () => {
    await pkcs11Tool('--test-fork');
  });

  test.each(['INGISL', 'ILGISL'])('--test-threads %s in three threads, while another lists', async (commands) => {
    const thread = ['--test-threads', commands];
    const { stdout, stderr } = await attempt(...thread, ...thread, ...thread, '-O');
    expect(stderr).toContain('all threads have ended with CKR_OK');
    expect(stdout).toContain('signer');
  });

  test('--test-hotplug, where nothing comes or goes', async () => {
    expect(await publicly('--test-hotplug')).toMatch(/C_GetSlotList.*\n.*C_WaitForSlotEvent/);
  });
});

describe('--delete-object', () => {
  const remove = () => attempt('--delete-object', '--type', 'privkey', '--label', 'rsa:3072');

  test('is refused by default', async () => {
    const { stderr } = await remove();
    expect(stderr).toMatch(/C_DestroyObject.*0x1b/);
    expect(await pkcs11Tool('-O')).toContain('rsa:3072');
  });

  test('deletes the key, both halves of it, where the configuration allows it', async () => {
    bench.offload.writeConfiguration({ token: { allowDestroy: true } });
    expect(await remove()).toMatchObject({ status: 0 });
    expect(await pkcs11Tool('-O')).not.toContain('rsa:3072');
  });
});
