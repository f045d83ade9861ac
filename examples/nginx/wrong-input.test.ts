import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort, type Nginx, selfSign } from '../../demo/nginx.ts';
import { BIN, EC_LABEL, Offload, RSA_LABEL, SERVER_NAME } from '../../demo/offload.ts';
import { type Finished, runProgram } from '../../demo/process.ts';

let folder: string;
let offload: Offload;
let nginx: Nginx;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-wrong-'));
  offload = await Offload.start(folder);
  nginx = await offload.serve();
  await nginx.stop();
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => offload.writeConfiguration());

async function nginxWith(change: { pin?: string; rsaLabel?: string }): Promise<Finished> {
  return (await offload.nginx(change)).test();
}

async function listKeys(change: { id?: string; secret?: string } = {}): Promise<Finished> {
  const { offload: principal } = offload.mock;
  return runProgram(join(BIN, 'mhsm_p11_list_keys'), [], {
    env: {
      ...offload.toolEnvironment,
      MHSM_CLIENT_ID: change.id ?? principal.clientId,
      MHSM_CLIENT_SECRET: change.secret ?? principal.clientSecret,
    },
  });
}

/** The lines that the library wrote, whoever printed them. */
function ownLines({ stderr }: Finished): string[] {
  return stderr.split('\n').filter((line) => /mhsm[-_]p(kcs)?11/.test(line) && /hint:/.test(line));
}

function expectOneLine(finished: Finished, said: RegExp): void {
  expect(finished.status).not.toBe(0);
  expect(ownLines(finished)).toEqual([expect.stringMatching(said)]);
  for (const secret of [offload.mock.offload.clientSecret, offload.mock.keyGeneration.clientSecret]) {
    expect(finished.stderr + finished.stdout).not.toContain(secret);
  }
}

test('the same set-up without a mistake passes nginx -t and lists the keys', async () => {
  expect(await nginxWith({})).toMatchObject({ status: 0 });
  const { status, stdout } = await listKeys();
  expect(status).toBe(0);
  expect(stdout).toContain(RSA_LABEL);
});

describe('what is wrong is said in one line with a hint', () => {
  test('a wrong client secret', async () => {
    const said = new RegExp(`${offload.mock.offload.clientId}.*AADSTS7000215`);
    expectOneLine(await nginxWith({ pin: `${offload.mock.offload.clientId}:wrong` }), said);
    expectOneLine(await listKeys({ secret: 'wrong' }), said);
  });

  test('an unknown client id', async () => {
    const id = '00000000-0000-0000-0000-00000000dead';
    expectOneLine(await nginxWith({ pin: `${id}:x` }), /AADSTS700016/);
    expectOneLine(await listKeys({ id }), /AADSTS700016/);
  });

  test('a PIN that is not client-id:client-secret', async () => {
    expectOneLine(await nginxWith({ pin: '1234' }), /client-id:client-secret/);
  });

  test('an HSM that cannot be reached', async () => {
    const baseUrl = `https://localhost:${await freePort()}`;
    offload.writeConfiguration({ token: { baseUrl } });
    const said = new RegExp(`${baseUrl}.*ECONNREFUSED`);
    expectOneLine(await nginxWith({}), said);
    expectOneLine(await listKeys(), said);
  });

  test('a certificate that is not trusted', async () => {
    offload.writeConfiguration({ token: { caFile: undefined } });
    expectOneLine(await nginxWith({}), /certificate.*hint: .*caFile/);
    expectOneLine(await listKeys(), /certificate.*hint: .*caFile/);
  });

  test('a caFile that does not exist', async () => {
    offload.writeConfiguration({ token: { caFile: '/nowhere/ca.pem' } });
    expectOneLine(await nginxWith({}), /\/nowhere\/ca\.pem/);
    expectOneLine(await listKeys(), /\/nowhere\/ca\.pem/);
  });

  test('a role that is missing', async () => {
    const { stranger } = offload.mock;
    const said = /keys\/read\/action.*hint: .*az keyvault role assignment create.*--scope \/keys/;
    expectOneLine(await nginxWith({ pin: `${stranger.clientId}:${stranger.clientSecret}` }), said);
    expectOneLine(await listKeys({ id: stranger.clientId, secret: stranger.clientSecret }), said);
  });

  test.each([
    ['JSON that breaks off', '{ "tokens": [', /mhsm-pkcs11\.conf:1/],
    [
      'a value of the wrong kind',
      '{\n "tokens": [\n  { "slotid": "first", "baseUrl": "https://x" }\n ]\n}',
      /mhsm-pkcs11\.conf:3.*slotid/,
    ],
    ['no token', '{ "tokens": [] }', /tokens/],
  ])('a malformed configuration: %s', async (_what, text, said) => {
    writeFileSync(offload.configurationFile, text);
    expectOneLine(await nginxWith({}), said);
    expectOneLine(await listKeys(), said);
  });

  test('a configuration file that is missing', async () => {
    rmSync(offload.configurationFile);
    expectOneLine(await nginxWith({}), /MHSM_PKCS11_CONF/);
    expectOneLine(await listKeys(), /MHSM_PKCS11_CONF/);
  });
});

test('an unknown label: nginx names the URI, mhsm_p11_list_keys the labels that exist', async () => {
  const { status, stderr } = await nginxWith({ rsaLabel: 'nosuchkey' });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/object=nosuchkey/);
  expect((await listKeys()).stdout).toContain(EC_LABEL);
});

test('the configuration is read anew: a corrected file passes at once', async () => {
  writeFileSync(offload.configurationFile, '{');
  expect((await nginxWith({})).status).not.toBe(0);
  offload.writeConfiguration();
  expect((await nginxWith({})).status).toBe(0);
});

test('a wrong secret in the environment does not reach the arguments or the output of mhsm_p11_create_key', async () => {
  const env = { ...offload.toolEnvironment, MHSM_CLIENT_SECRET: 'not-the-secret' };
  const finished = await runProgram(join(BIN, 'mhsm_p11_create_key'), ['--RSA', '2K', '--label', 'x'], { env });
  expectOneLine(finished, /AADSTS7000215/);
  expect(finished.stderr).not.toContain('not-the-secret');
  await selfSign(await offload.nginx(), 'RSA', SERVER_NAME);
});

test('the reason is said each time, not only to the first who asks', async () => {
  const pin = `${offload.mock.offload.clientId}:wrong`;
  expectOneLine(await nginxWith({ pin }), /AADSTS7000215/);
  expectOneLine(await nginxWith({ pin }), /AADSTS7000215/);
});

test('a key that was made while the agent runs is found at once', async () => {
  expect((await nginxWith({})).status).toBe(0);
  const key = await offload.createKey('--RSA', '2K', '--label', 'fresh');
  await offload.grantUse(key);
  const server = await offload.nginx({ rsaLabel: 'fresh' });
  await selfSign(server, 'RSA', SERVER_NAME);
  expect((await server.test()).status).toBe(0);
});
