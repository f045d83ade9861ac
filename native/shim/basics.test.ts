import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CK_UNAVAILABLE_INFORMATION, CKR_OPERATION_NOT_INITIALIZED } from '../../lib/pkcs11/constants.ts';
import type { CallName } from '../../lib/wire/schema.ts';
import { Driver, masked, VARIANTS } from '../test/driver.ts';
import { FakeAgent, ok } from '../test/fake-agent.ts';

let folder: string;
let agent: FakeAgent;
let driver: Driver;

describe.each(VARIANTS)('the module, $name', ({ build }) => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-shim-'));
    agent = new FakeAgent(join(folder, 'socket'));
    await agent.start();
    driver = await Driver.load(build, {
      MHSM_PKCS11_SOCKET: agent.path,
      MHSM_PKCS11_CONF: join(folder, 'mhsm-pkcs11.conf'),
    });
  });

  afterEach(async () => {
    expect(await driver.end(), driver.stderr).toBe(0);
    await agent.stop();
    rmSync(folder, { recursive: true });
  });

  test('carries a signature from C_Initialize to C_Sign', async () => {
    agent.on('findObjects', () => ok<'findObjects'>({ handles: [4_503_599_627_370_495] }));
    expect(await driver.run('init 2')).toBe('0');
    expect(await driver.run('slots 8')).toBe('0 2 3');
    expect(await driver.run('open 3 4')).toBe('0 1');
    expect(await driver.run(`login 1 1 ${masked('client:secret')}`)).toBe('0');
    expect(await driver.run('findinit 1 0=0300000000000000 3=6b6579')).toBe('0');
    expect(await driver.run('find 1 1')).toBe('0 1 4503599627370495');
    expect(await driver.run('signinit 1 0x1041 4503599627370495')).toBe('0');
    expect(await driver.run('sign 1 aabbcc buffer 72')).toBe('0 3 aabbcc');
    expect(agent.requests).toMatchObject([
      { call: 'hello', fields: { protocol: 2, fresh: true, ticket: null, configuration: [] } },
      { call: 'getSlotList' },
      { call: 'openSession', fields: { session: 1, slot: 3, flags: 4 } },
      { call: 'login', fields: { session: 1, userType: 1, pin: new Uint8Array(Buffer.from('client:secret')) } },
      {
        call: 'findObjectsInit',
        fields: { template: [{ type: 0 }, { type: 3, value: new Uint8Array(Buffer.from('key')) }] },
      },
      { call: 'findObjects', fields: { max: 1 } },
      { call: 'signInit', fields: { mechanism: { type: 0x1041, parameter: null }, key: 4_503_599_627_370_495 } },
      { call: 'sign', fields: { signature: 72 } },
    ]);
    expect(agent.connections).toBe(1);
  });

  test.each([
    ['null', '0'],
    ['0', '0'],
    ['3', '0'],
    ['2 callbacks', '0'],
    ['3 callbacks', '0'],
    ['0 callbacks', 'a'],
    ['2 partial', '7'],
    ['2 reserved', '7'],
  ])('C_Initialize with %s gives %s', async (arguments_, rv) => {
    expect(await driver.run(`init ${arguments_}`)).toBe(rv);
  });

  test('nothing works before C_Initialize and after C_Finalize', async () => {
    for (const _ of [1, 2]) {
      for (const call of ['info', 'final', 'slots 8', 'open 0 4', 'session 1', 'close 1', 'closeall 0', 'logout 1'])
        expect((await driver.run(call)).split(' ')[0], call).toBe('190');
      expect(await driver.run('init null')).toBe('0');
      expect(await driver.run('init null')).toBe('191');
      expect(await driver.run('final')).toBe('0');
    }
  });

  test('C_GetInfo knows the library, and reads nothing for it', async () => {
    await driver.run('init null');
    agent.take();
    expect(await driver.run('info')).toMatch(
      /^0 2\.40 \[mhsm-pkcs11 {21}\] \[Azure Managed HSM TLS offload {3}\] 0\.1$/,
    );
    expect(agent.take()).toEqual([]);
  });

  test('counts of lists follow section 5.2', async () => {
    await driver.run('init null');
    agent.on('getMechanismList', () => ok<'getMechanismList'>({ mechanisms: [0x1041] }));
    expect(await driver.run('slots null')).toBe('0 2 0');
    expect(await driver.run('slots 1')).toBe('150 2 0');
    expect(await driver.run('slots 2')).toBe('0 2 3');
    expect(await driver.run('mechanisms 0 null')).toBe('0 1 0');
    expect(await driver.run('mechanisms 0 0')).toBe('150 1 0');
    expect(await driver.run('mechanisms 0 9')).toBe('0 1 1041');
  });

  test('strings are padded, and cut between two characters', async () => {
    await driver.run('init null');
    const numbers = Object.fromEntries(
      ['maxSessionCount', 'sessionCount', 'maxRwSessionCount', 'rwSessionCount', 'maxPinLen', 'minPinLen']
        .concat(['totalPublicMemory', 'freePublicMemory', 'totalPrivateMemory', 'freePrivateMemory'])
        .concat(['hardwareMajor', 'hardwareMinor', 'firmwareMajor', 'firmwareMinor'])
        .map((name) => [name, CK_UNAVAILABLE_INFORMATION]),
    );
    const label = `${'x'.repeat(31)}é`;
    const texts = { label, manufacturer: '', model: 'HSM', serialNumber: '', utcTime: '' };
    agent.on('getTokenInfo', () => ok<'getTokenInfo'>({ ...numbers, ...texts, flags: 0x404 } as never));
    expect(await driver.run('token 0')).toBe(
      `0 [${'x'.repeat(31)} ] [HSM             ] 404 ffffffffffffffff [                ]`,
    );
  });

  test('a NULL signature buffer asks for the length, whatever the length says', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    agent.take();
    expect(await driver.run('sign 1 aabb null 18446744073709551472')).toBe('0 2 ');
    expect(agent.requests).toMatchObject([{ fields: { signature: null } }]);
  });

  test('a buffer that is too small gets the length and no bytes', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    agent.on('sign', () => ({ rv: 0x150, fields: { signature: { length: 64, bytes: null } } }));
    expect(await driver.run('sign 1 aabb buffer 10')).toBe('150 64 ');
    agent.on('sign', () => ({ rv: 0x30 }));
    expect(await driver.run('sign 1 aabb buffer 10')).toBe('30 10 ');
  });

  test('decryption and encryption go both ways, with the length alone for a NULL buffer', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    expect(await driver.run('decryptinit 1 9 77 0102')).toBe('0');
    expect(agent.requests.at(-1)?.fields).toMatchObject({
      key: 77,
      mechanism: { type: 9, parameter: Uint8Array.of(1, 2) },
    });
    expect(await driver.run('decrypt 1 aabbcc buffer 72')).toBe('0 3 aabbcc');
    expect(await driver.run('decrypt 1 aabbcc null 18446744073709551615')).toBe('0 3 ');
    expect(await driver.run('encryptinit 1 1 78')).toBe('0');
    expect(agent.requests.at(-1)?.fields).toMatchObject({ key: 78, mechanism: { type: 1, parameter: null } });
    expect(await driver.run('encrypt 1 ddee buffer 72')).toBe('0 2 ddee');
    expect(await driver.run('encrypt 1 ddee null 0')).toBe('0 2 ');
  });

  test('C_GetAttributeValue fills the whole template beside an error', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    agent.on('getAttributeValue', () => ({
      rv: 0x12,
      fields: {
        results: [
          { length: 3, bytes: new Uint8Array([1, 2, 3]) },
          { length: CK_UNAVAILABLE_INFORMATION, bytes: null },
          { length: 256, bytes: null },
          { length: CK_UNAVAILABLE_INFORMATION, bytes: null },
          { length: 0, bytes: new Uint8Array() },
        ],
      },
    }));
    expect(await driver.run('attributes 1 9 3=255 0x102=8 0x120=null 0x181=unavailable 0x600=0')).toBe(
      '12 3:010203eeeeeeeeee -1:eeeeeeeeeeeeeeee 256: -1:eeeeeeeeeeeeeeee 0:eeeeeeeeeeeeeeee',
    );
    expect(agent.requests.at(-1)?.fields).toMatchObject({
      queries: [{ capacity: 255 }, { capacity: 8 }, { capacity: null }, { capacity: 0 }, { capacity: 0 }],
    });
  });

  test('C_FindObjects asks for no more than an answer holds', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    const handles = Array.from({ length: 65_536 }, (_, index) => index + 1);
    agent.on('findObjects', () => ok<'findObjects'>({ handles }));
    expect(await driver.run('find 1 70000')).toBe('0 65536 65536');
    expect(agent.requests.at(-1)?.fields).toMatchObject({ max: 65_536 });
  });

  test('data larger than a frame goes in parts, after the length was asked for', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    const signature = (capacity: number | null) => ({
      signature: { length: 4, bytes: capacity === null ? null : Uint8Array.of(1, 2, 3, 4) },
    });
    agent.on('sign', (request) => ok<'sign'>(signature(request.signature)));
    agent.on('signFinal', (request) => ok<'signFinal'>(signature(request.signature)));
    const digest = { length: 4, bytes: new Uint8Array(4) };
    agent.on('digest', () => ok<'digest'>({ digest: { ...digest, bytes: null } }));
    agent.on('digestFinal', () => ok<'digestFinal'>({ digest }));
    agent.take();
    expect(await driver.run('signlong 1 1200000 buffer 9')).toBe('0 4');
    expect(agent.take()).toEqual(['sign', 'signUpdate', 'signUpdate', 'signUpdate', 'signFinal']);
    expect(await driver.run('signlong 1 1200000 null 0')).toBe('0 4');
    expect(await driver.run('signlong 1 1200000 buffer 3')).toBe('150 4');
    expect(agent.take()).toEqual(['sign', 'sign']);
    expect(await driver.run('digestlong 1 600000 buffer 9')).toBe('0 4');
    expect(agent.take()).toEqual(['digest', 'digestUpdate', 'digestUpdate', 'digestFinal']);
    expect(await driver.run('verifylong 1 600000 buffer 4')).toBe('0 4');
    expect(agent.requests.at(-4)).toMatchObject({ call: 'verifyWhole', fields: { session: 1, signatureLength: 4 } });
    expect(agent.take()).toEqual(['verifyWhole', 'verifyUpdate', 'verifyUpdate', 'verifyFinal']);
  });

  test.each([
    ['signlong', 'sign'],
    ['digestlong', 'digest'],
    ['verifylong', 'verify'],
  ] as const)('%s: an operation that has parts already is refused on both sides of a frame', async (command, call) => {
    await driver.run('init null');
    await driver.run('open 0 4');
    const beforeParts = call === 'verify' ? 'verifyWhole' : call;
    for (const each of [call, beforeParts] as const)
      agent.on<CallName>(each, () => ({ rv: CKR_OPERATION_NOT_INITIALIZED }));
    for (const length of [10, 524_288, 524_289, 600_000]) {
      agent.take();
      expect(await driver.run(`${command} 1 ${length} buffer 9`)).toBe('91 9');
      expect(agent.take()).toEqual([length > 524_288 ? beforeParts : call]);
    }
  });

  test.each(['signlong', 'verifylong'])(
    '%s: data larger than a frame is CKR_DATA_LEN_RANGE for a mechanism that takes it at once',
    async (command) => {
      await driver.run('init null');
      await driver.run('open 0 4');
      agent.on('sign', () => ok<'sign'>({ signature: { length: 4, bytes: null } }));
      for (const update of ['signUpdate', 'verifyUpdate'] as const)
        agent.on(update, () => ({ rv: CKR_OPERATION_NOT_INITIALIZED }));
      expect(await driver.run(`${command} 1 600000 buffer 9`)).toBe('21 9');
    },
  );

  test('parts larger than a frame are sent in pieces, random bytes fetched in pieces', async () => {
    await driver.run('init null');
    await driver.run('open 0 4');
    agent.on('generateRandom', ({ length }) => ok<'generateRandom'>({ bytes: new Uint8Array(length).fill(7) }));
    agent.take();
    expect(await driver.run('signupdate 1 1200000')).toBe('0');
    expect(await driver.run('signupdate 1 0')).toBe('0');
    expect(await driver.run('random 1 600000')).toBe('0 07 07');
    expect(agent.take()).toEqual([...Array(4).fill('signUpdate'), 'generateRandom', 'generateRandom']);
  });
});
