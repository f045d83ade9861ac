/** Keys as az, an SDK or the portal make them, without any tag, used by pkcs11-tool and by openssl with the engine. */

import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  verify,
  X509Certificate,
} from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../demo/nginx.ts';
import { type Finished, type Service, startService, waitFor } from '../../demo/process.ts';
import { MODULE } from '../../demo/tested-module.ts';
import { Workbench } from '../../demo/workbench.ts';
import { noteSecret } from '../../secret-watch/evidence.ts';

const HOUR = 3600;
const MESSAGE = 'signed with a key of az';

let bench: Workbench;
let engine: string;
/** The half that was brought, which nobody has but this test. */
let brought: KeyObject;

const pkcs11Tool = (...args: string[]): Promise<string> => bench.run(bench.example('pkcs11-tool/pkcs11-tool.sh'), args);

const overRest = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<unknown> =>
  bench.offload.mock.requestAs(bench.offload.mock.keyGeneration, method, `/keys/${path}`, body);

const create = (name: string, key: object): Promise<unknown> => overRest('POST', `${name}/create`, key);

async function importRsa(name: string): Promise<KeyObject> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const key = privateKey.export({ format: 'jwk' });
  noteSecret('an imported RSA key', key.d ?? '');
  await overRest('PUT', name, { key: { ...key, kty: 'RSA-HSM' } });
  return publicKey;
}

/** Good keys, and beside them every kind that cannot be used. */
async function makeKeys(): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  await create('az-rsa', { kty: 'RSA-HSM', key_size: 2048 });
  await create('az-ec', { kty: 'EC-HSM', crv: 'P-521' });
  await create('az-koblitz', { kty: 'EC-HSM', crv: 'P-256K' });
  await create('az-tls', { kty: 'EC-HSM', crv: 'P-256' });
  brought = await importRsa('az-imported');
  await create('az-oct', { kty: 'oct-HSM', key_size: 256 });
  await create('az-disabled', { kty: 'EC-HSM', attributes: { enabled: false } });
  await create('az-expired', { kty: 'EC-HSM', attributes: { nbf: now - 2 * HOUR, exp: now - HOUR } });
  await create('az-not-yet', { kty: 'EC-HSM', attributes: { nbf: now + HOUR } });
  await create('az-damaged', { kty: 'EC-HSM', tags: { p11_pri_CKA_KEY_TYPE: 'cheese' } });
  await create('az-deleted', { kty: 'EC-HSM' });
  await overRest('DELETE', 'az-deleted');
}

/** CKA_ID of every private key that a search without conditions finds, by label. */
async function listed(): Promise<Map<string, string>> {
  const objects = await pkcs11Tool('-O', '--type', 'privkey');
  return new Map(
    [...objects.matchAll(/label: +(\S+)\n +ID: +([0-9a-f]+)/g)].map(([, label = '', id = '']) => [label, id]),
  );
}

async function publicKeyFile(label: string): Promise<string> {
  const file = bench.file(`${label}.der`);
  await pkcs11Tool('--read-object', '--type', 'pubkey', '--label', label, '--output-file', file);
  return file;
}

const publicKey = (der: Buffer): KeyObject => createPublicKey({ key: der, format: 'der', type: 'spki' });

/** SHA-1 of the bits of the public key, which openssl calls the subject key identifier. */
function keyIdentifier(key: KeyObject): string {
  const { x, y } = key.export({ format: 'jwk' });
  const point = () =>
    Buffer.concat([Buffer.of(4), Buffer.from(x ?? '', 'base64url'), Buffer.from(y ?? '', 'base64url')]);
  const bits = x === undefined ? key.export({ format: 'der', type: 'pkcs1' }) : point();
  return createHash('sha1').update(bits).digest('hex');
}

async function signWith(id: string, mechanism: string): Promise<string> {
  const format = mechanism.startsWith('ECDSA') ? ['--signature-format', 'openssl'] : [];
  const files = ['-i', bench.file('message'), '-o', bench.file('signature')];
  await pkcs11Tool('--sign', '--id', id, '-m', mechanism, ...files, ...format);
  return bench.file('signature');
}

beforeAll(async () => {
  bench = await Workbench.start('keys-made-elsewhere');
  const log = { directory: bench.file('logs'), flags: { SendToFile: true } };
  bench.offload.writeConfiguration({ top: { log } });
  await makeKeys();
  bench.write('message', MESSAGE);
  const pin = `PIN = ${bench.pin}`;
  const changes = { '/usr/lib/libmhsm-pkcs11.so': MODULE, 'PIN = client-id:client-secret': pin };
  engine = bench.fillIn('openssl/openssl-mhsm.cnf', changes);
});

afterAll(() => bench?.stop());

test('a search shows every RSA and EC key that is there, whatever stands beside it', async () => {
  const good = ['az-ec', 'az-imported', 'az-koblitz', 'az-rsa', 'az-tls'];
  expect([...(await listed()).keys()].sort()).toEqual([...good, 'az-disabled', 'az-expired', 'az-not-yet'].sort());
});

test.each([
  ['az-rsa', 'SHA256-RSA-PKCS'],
  ['az-imported', 'SHA384-RSA-PKCS'],
  ['az-ec', 'ECDSA-SHA512'],
  ['az-koblitz', 'ECDSA-SHA256'],
])('%s signs by its name as label, and openssl agrees', async (label, mechanism) => {
  const id = (await listed()).get(label) ?? '';
  const signature = await signWith(id, mechanism);
  const key = await publicKeyFile(label);
  expect(id).toBe(keyIdentifier(publicKey(readFileSync(key))));
  const hash = `-${/SHA\d+/.exec(mechanism)?.[0]?.toLowerCase()}`;
  const how = ['dgst', hash, '-verify', key, '-keyform', 'DER', '-signature', signature, bench.file('message')];
  expect(await bench.run('openssl', how)).toContain('Verified OK');
});

test('an imported RSA key is the one that was brought, and decrypts', async () => {
  expect(publicKey(readFileSync(await publicKeyFile('az-imported'))).equals(brought)).toBe(true);
  const sealed = bench.write('sealed', publicEncrypt({ key: brought, oaepHash: 'sha256' }, Buffer.from(MESSAGE)));
  const how = ['--mechanism', 'RSA-PKCS-OAEP', '--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256'];
  const files = ['--input-file', sealed, '--output-file', bench.file('opened')];
  await pkcs11Tool('--decrypt', '--id', keyIdentifier(brought), ...how, ...files);
  expect(bench.read('opened')).toBe(MESSAGE);
});

describe('a key that cannot be used', () => {
  test.each([
    ['az-disabled', '--enabled true'],
    ['az-expired', '--expires <later date>'],
    ['az-not-yet', '--not-before <earlier date>'],
  ])('%s is refused by the HSM, with the command that changes it', async (label, change) => {
    const id = (await listed()).get(label) ?? '';
    const how = ['--sign', '--id', id, '-m', 'ECDSA-SHA256', '-i', bench.file('message')];
    const { status, stderr } = await bench.attempt(bench.example('pkcs11-tool/pkcs11-tool.sh'), how);
    expect(status).not.toBe(0);
    expect(stderr).toContain('failed: rv = CKR_FUNCTION_FAILED');
    expect(stderr).toMatch(new RegExp(`az keyvault key set-attributes .*--name ${label} ${change}`));
  });

  test('because its tags are damaged is named in one line of the log, however often it is searched for', async () => {
    await listed();
    const logs = globSync(bench.file('logs/*.log')).map((file) => readFileSync(file, 'utf8').split('\n'));
    const named = logs.map((lines) => lines.filter((line) => line.includes('az-damaged')));
    for (const lines of named) expect(lines.length).toBeLessThanOrEqual(1);
    expect(named.flat().join('\n')).toContain('key az-damaged is left out, its tag p11_pri_CKA_KEY_TYPE is damaged');
  });
});

describe('a server that holds a key', () => {
  const uri = 'pkcs11:token=demo;object=az-tls;type=private';
  const key = ['-engine', 'pkcs11', '-keyform', 'engine', '-key', uri];
  const certificate = () => bench.file('az-tls.crt');
  let server: Service;
  let port: number;

  const handshake = (): Promise<Finished> => {
    const trust = ['-CAfile', certificate(), '-verify_return_error'];
    return bench.attempt('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...trust]);
  };

  beforeAll(async () => {
    const options = { OPENSSL_CONF: engine };
    await bench.run('openssl', ['req', '-new', '-x509', ...key, '-subj', '/CN=az', '-out', certificate()], options);
    port = await freePort();
    const how = ['s_server', ...key, '-cert', certificate(), '-accept', `127.0.0.1:${port}`, '-www'];
    server = await startService('openssl', how, { env: { ...bench.environment, ...options } });
    await waitFor('a handshake', async () => ((await handshake()).status === 0 ? true : undefined));
    // Versions are told apart by the second in which they were made.
    await bench.offload.mock.administrate('POST', '/mock/clock', { advance: '1m' });
    await overRest('POST', 'az-tls/rotate');
  });

  afterAll(() => server?.stop());

  test('goes on with the version of its certificate after a rotation, by an agent that never saw it too', async () => {
    expect(await handshake()).toMatchObject({ status: 0 });
    const agents = await bench.offload.agents();
    expect(agents).toHaveLength(1);
    for (const pid of agents) process.kill(pid, 'SIGKILL');
    expect(await handshake()).toMatchObject({ status: 0 });
  });

  test('does so while a new search shows the newer version, which signs', async () => {
    const newer = publicKey(readFileSync(await publicKeyFile('az-tls')));
    const old = new X509Certificate(readFileSync(certificate())).publicKey;
    expect(newer.equals(old)).toBe(false);
    const id = (await listed()).get('az-tls') ?? '';
    expect(id).toBe(keyIdentifier(newer));
    const signature = readFileSync(await signWith(id, 'ECDSA-SHA256'));
    expect(verify('sha256', Buffer.from(MESSAGE), newer, signature)).toBe(true);
    expect(await handshake()).toMatchObject({ status: 0 });
  });

  test('gets no signature once the key is deleted, and the reason is on its standard error', async () => {
    let complaints = '';
    server.process.stderr?.on('data', (chunk) => {
      complaints += chunk;
    });
    await overRest('DELETE', 'az-tls');
    expect((await handshake()).status).not.toBe(0);
    const reason = /mhsm-pkcs11: C_Sign\w*: .* refused sign az-tls .* with 404 .*the key was deleted/;
    await waitFor('the reason', () => (reason.test(complaints) ? true : undefined));
    expect((await listed()).has('az-tls')).toBe(false);
  });
});
