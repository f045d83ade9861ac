import { execFileSync } from 'node:child_process';
import { createPublicKey, type JsonWebKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ClientSecretCredential } from '@azure/identity';
import { type HsmKey, type ManagedHsm, openManagedHsm, Pkcs11Error } from 'mhsm-pkcs11';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EC_LABEL, Offload, RSA_LABEL } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = ['sign', 'jwt'];

let folder: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-typescript-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  await offload.grantUse(await offload.createKey('--RSA', '2K', '--label', RSA_LABEL));
  await offload.grantUse(await offload.createKey('--EC', 'P-256', '--label', EC_LABEL));
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The environment of an example: as the TLS offload service principal. */
function environment(): NodeJS.ProcessEnv {
  const { clientId, clientSecret } = offload.mock.offload;
  return {
    PATH: process.env.PATH,
    MHSM_PKCS11_CONF: offload.configurationFile,
    MHSM_CLIENT_ID: clientId,
    MHSM_CLIENT_SECRET: clientSecret,
  };
}

/** The system's Node, which users have, and not the one of this checkout. */
function systemNode(): string {
  const path = (process.env.PATH ?? '').split(delimiter).filter((place) => !place.includes('node_modules'));
  return execFileSync('sh', ['-c', 'command -v node'], {
    encoding: 'utf8',
    env: { PATH: path.join(delimiter) },
  }).trim();
}

describe('the package, installed into an empty project without a registry', () => {
  let project: string;

  beforeAll(async () => {
    project = join(folder, 'project');
    mkdirSync(project);
    const { stdout } = await mustRun(process.execPath, [join(ROOT, 'scripts/package.ts'), folder], { cwd: ROOT });
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    const install = ['install', '--offline', '--no-audit', '--no-fund', stdout.trim()];
    await mustRun('npm', install, { cwd: project, env: { ...process.env, npm_config_cache: join(folder, 'cache') } });
    for (const name of EXAMPLES) cpSync(join(import.meta.dirname, `${name}.ts`), join(project, `${name}.ts`));
  });

  test('has types that a strict project compiles with', async () => {
    for (const types of ['@types', 'undici-types']) {
      symlinkSync(join(ROOT, 'node_modules', types), join(project, 'node_modules', types));
    }
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node', '--outDir', 'out'];
    const { stdout, status } = await runProgram(
      join(ROOT, 'node_modules/.bin/tsc'),
      [...options, ...EXAMPLES.map((name) => `${name}.ts`)],
      { cwd: project },
    );
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  });

  test.each([
    ['Node 24', () => process.execPath],
    ["the system's Node", systemNode],
  ])('runs the examples on %s', async (_name, node) => {
    const signed = await mustRun(node(), ['out/sign.js', RSA_LABEL], { cwd: project, env: environment() });
    expect(signed.stdout).toMatch(/^RSA key p11-[0-9a-f]{32}: signature of 256 bytes, valid: true\n$/);
    const { stdout } = await mustRun(node(), ['out/jwt.js', EC_LABEL], { cwd: project, env: environment() });
    const { token, jwk } = JSON.parse(stdout) as { token: string; jwk: JsonWebKey };
    const [header = '', claims = '', signature = ''] = token.split('.');
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('an example says what is wrong in one line', async () => {
    const env = { ...environment(), MHSM_CLIENT_SECRET: 'a-wrong-secret' };
    const { status, stderr } = await runProgram(process.execPath, ['out/sign.js'], { cwd: project, env });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^CKR_PIN_INCORRECT: .*\n$/);
    expect(stderr).not.toContain('a-wrong-secret');
  });
});

describe('an open HSM', () => {
  let hsm: ManagedHsm;
  let keys: Record<string, HsmKey>;

  const open = () => openManagedHsm({ configuration: offload.configurationFile, credentials: { pin: offload.pin } });

  beforeAll(async () => {
    hsm = await open();
    const [rsa, ec] = await Promise.all([hsm.findKey({ label: RSA_LABEL }), hsm.findKey({ label: EC_LABEL })]);
    keys = { rsa, ec };
  });
  afterAll(() => hsm?.close());

  const keyOf = (name: string): HsmKey => {
    const key = keys[name];
    if (key === undefined) throw new Error(`no key ${name}`);
    return key;
  };

  test('finds all keys, and one by each of its names', async () => {
    const all = await hsm.findKeys();
    expect(new Set(all.map(({ label }) => label))).toEqual(new Set([RSA_LABEL, EC_LABEL]));
    const { id, name } = keyOf('rsa');
    for (const query of [{ id }, { name }, { type: 'RSA' }] as const) {
      expect(await hsm.findKey(query)).toMatchObject({ label: RSA_LABEL, type: 'RSA', enabled: true });
    }
  });

  test('a key that is not there, or not the only one, is refused with what to do', async () => {
    await expect(hsm.findKey({ label: 'nobody' })).rejects.toMatchObject({
      name: 'Pkcs11Error',
      code: 'CKR_KEY_HANDLE_INVALID',
      message: expect.stringContaining('no key has {"label":"nobody"}'),
      hint: 'findKeys() lists all that there are',
    });
    await expect(hsm.findKey({})).rejects.toThrow(/2 keys have/);
  });

  test.each([
    ['rsa', 'RS256', 'raw'],
    ['rsa', 'RS512', 'raw'],
    ['rsa', 'PS384', 'raw'],
    ['ec', 'ES256', 'raw'],
    ['ec', 'ES256', 'der'],
  ] as const)('the %s key signs data with %s (%s), and verifies', async (name, algorithm, encoding) => {
    const key = keyOf(name);
    const data = randomBytes(1000);
    const signature = await key.sign(data, { algorithm, encoding });
    expect(await key.verify(data, signature, { algorithm, encoding })).toBe(true);
    expect(await key.verify(randomBytes(1000), signature, { algorithm, encoding })).toBe(false);
    expect(await key.verify(data, randomBytes(3), { algorithm, encoding })).toBe(false);
  });

  test.each([
    ['rsa', undefined, 'sha256'],
    ['rsa', 'RS384', 'sha384'],
    ['ec', undefined, 'sha256'],
  ] as const)('the %s key signs a digest for %s', async (name, algorithm, hash) => {
    const data = randomBytes(99);
    const digest = await crypto.subtle.digest(hash.replace('sha', 'SHA-'), data);
    const options = algorithm === undefined ? {} : { algorithm };
    const signature = await keyOf(name).signDigest(new Uint8Array(digest), options);
    const key = { key: keyOf(name).publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify(hash, data, key, signature)).toBe(true);
  });

  test('refuses an algorithm of other keys and a digest of another length', async () => {
    await expect(keyOf('ec').sign(Buffer.alloc(1), { algorithm: 'RS256' })).rejects.toMatchObject({
      code: 'CKR_KEY_TYPE_INCONSISTENT',
      hint: 'choose ES256',
    });
    await expect(keyOf('rsa').signDigest(Buffer.alloc(20))).rejects.toMatchObject({ code: 'CKR_DATA_LEN_RANGE' });
  });

  test('refuses a curve that no HSM has, and a number of bytes that is none', async () => {
    const curve = 'P-999' as 'P-256';
    await expect(hsm.createKey({ type: 'EC', curve, label: 'x' })).rejects.toMatchObject({
      code: 'CKR_CURVE_NOT_SUPPORTED',
      message: expect.stringContaining('P-999'),
    });
    const type = 'XX' as 'EC';
    await expect(hsm.createKey({ type, label: 'x' })).rejects.toMatchObject({ code: 'CKR_ATTRIBUTE_VALUE_INVALID' });
    await expect(hsm.random(-1)).rejects.toMatchObject({ code: 'CKR_ARGUMENTS_BAD' });
  });

  test('says of a closed HSM that it is closed, and not that the network is to blame', async () => {
    const other = await open();
    const key = await other.findKey({ label: EC_LABEL });
    await other.close();
    const closed = { code: 'CKR_CRYPTOKI_NOT_INITIALIZED', message: expect.stringContaining('closed') };
    await expect(key.sign(Buffer.alloc(1))).rejects.toMatchObject(closed);
    await expect(other.findKeys()).rejects.toMatchObject(closed);
  });

  test('an identity that may not sign with a key is refused with a code of C_Sign, and the reason as cause', async () => {
    const { name } = await offload.createKey('--EC', 'P-256', '--label', 'nobody');
    await using other = await open();
    const key = await other.findKey({ name });
    const cause = expect.objectContaining({ code: 'CKR_KEY_FUNCTION_NOT_PERMITTED' });
    await expect(key.sign(Buffer.alloc(1))).rejects.toMatchObject({ code: 'CKR_FUNCTION_FAILED', cause });
  });

  test('signs many at once', async () => {
    const data = Array.from({ length: 40 }, () => randomBytes(32));
    const signatures = await Promise.all(data.map((one) => keyOf('ec').sign(one)));
    const valid = await Promise.all(signatures.map((one, i) => keyOf('ec').verify(data[i] ?? Buffer.alloc(0), one)));
    expect(valid).toEqual(data.map(() => true));
  });

  test('shows the public key as KeyObject, PEM and JWK', () => {
    const { publicKey, publicKeyPem, publicKeyJwk, keyId } = keyOf('ec');
    expect(createPublicKey(publicKeyPem).equals(publicKey)).toBe(true);
    expect(publicKeyJwk).toMatchObject({ kty: 'EC', crv: 'P-256', kid: keyId });
  });

  test('makes keys that it finds, with the role for it', async () => {
    const { clientId, clientSecret } = offload.mock.keyGeneration;
    const maker = await openManagedHsm({
      configuration: offload.configurationFile,
      credentials: { clientId, clientSecret },
    });
    const made = await maker.createKey({
      type: 'EC',
      curve: 'P-384',
      label: 'made',
      name: 'made-here',
      id: '0a0b',
      notBefore: '2026-01-31',
      expires: '2099-12-31',
    });
    expect(made).toMatchObject({ name: 'made-here', id: '0a0b', curve: 'P-384', notBefore: '2026-01-31' });
    expect(await maker.findKey({ id: '0a0b' })).toMatchObject({ keyId: made.keyId, expires: '2099-12-31' });
    const rsa = await maker.createKey({ type: 'RSA', label: 'another' });
    expect(rsa.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
    await maker.close();
    await expect(hsm.createKey({ type: 'RSA', label: 'refused' })).rejects.toBeInstanceOf(Pkcs11Error);
  });

  test('takes a TokenCredential of @azure/identity, and an object for the configuration', async () => {
    const { mock } = offload;
    const { clientId, clientSecret } = mock.offload;
    const credential = new ClientSecretCredential(mock.env('MHSM_TENANT_ID'), clientId, clientSecret, {
      authorityHost: mock.env('MHSM_AUTHORITY_HOST'),
      disableInstanceDiscovery: true,
      tlsOptions: { ca: execFileSync('cat', [mock.caFile], { encoding: 'utf8' }) },
    });
    const token = {
      slotid: 3,
      baseUrl: mock.url,
      caFile: mock.caFile,
      authorityHost: mock.env('MHSM_AUTHORITY_HOST'),
    };
    const other = await openManagedHsm({ configuration: { tokens: [token] }, credentials: credential });
    expect(other.slot).toBe(3);
    expect(await (await other.findKey({ label: RSA_LABEL })).sign(Buffer.from('x'))).toHaveLength(256);
    await other.close();
  });

  test('shows the certificates of the configuration', async () => {
    const pem = join(folder, 'mock/ca.pem');
    offload.writeConfiguration({ token: { certificates: [pem] } });
    const other = await open();
    offload.writeConfiguration();
    const [certificate] = await other.certificates();
    expect(certificate?.fingerprint256).toBe(
      new X509Certificate(execFileSync('cat', [pem], { encoding: 'utf8' })).fingerprint256,
    );
    await other.close();
  });

  test('offers the functions of PKCS#11 below', () => {
    expect(hsm.application.getSlotList({ tokenPresent: true })).toEqual({ slots: [hsm.slot] });
  });

  test('refuses a wrong configuration and a slot that it does not have', async () => {
    await expect(openManagedHsm({ configuration: { tokens: [] } })).rejects.toMatchObject({
      code: 'CKR_GENERAL_ERROR',
      message: expect.stringMatching(/^configuration:\d+:\d+: tokens is \[\], expected at least one token$/),
    });
    await expect(openManagedHsm({ configuration: offload.configurationFile, slot: 9 })).rejects.toThrow(
      'has no slot 9',
    );
  });
});
