import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ok, PIN, refusal, ScriptedService } from './scripted-service.ts';

const VERSION = '0123456789abcdef0123456789abcdef';

let service: ScriptedService;
beforeAll(async () => {
  service = await ScriptedService.start();
});
afterEach(() => service.reset());
afterAll(() => service.stop());

const code = (name: string, hint?: RegExp) =>
  expect.objectContaining({
    line: expect.stringContaining(`(${name} `),
    ...(hint && { hint: expect.stringMatching(hint) }),
  });

function bundle(name: string, version = VERSION, fields: object = {}) {
  const kid = `${service.url}/keys/${name}/${version}`;
  const key = { kid, kty: 'RSA-HSM', key_ops: ['sign', 'verify'], n: 'AMAB', e: 'AQAB', ...fields };
  return { key, attributes: { enabled: true, created: 7, updated: 8, exp: 9 }, tags: { a: 'b' } };
}

const item = (name: string) => ({ kid: `${service.url}/keys/${name}`, attributes: { created: 1, updated: 1 } });

describe('the key list', () => {
  test('follows its pages, and leaves out what it cannot read', async () => {
    const lines: string[] = [];
    const identity = service.hsm({}, {}, { log: (line) => lines.push(line) }).identityOfPin(PIN);
    service.script = (_seen, nth) =>
      nth === 1
        ? ok({ value: [item('a'), { kid: 'nonsense' }, item('b')], nextLink: `${service.url}/keys?$skiptoken=2` })
        : ok({ value: [item('b'), item('c')] });
    expect((await identity.listKeys()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(service.seen.map(({ path }) => path)).toEqual(['/keys?api-version=7.4&maxresults=25', '/keys?$skiptoken=2']);
    expect(lines).toEqual([expect.stringMatching(/an item of the list is left out: "nonsense" is not a key id/)]);
  });

  test('that goes on elsewhere is refused: the token stays here', async () => {
    const identity = await service.loggedIn();
    service.script = () => ok({ value: [], nextLink: 'https://elsewhere.example/keys' });
    await expect(identity.listKeys()).rejects.toEqual(code('CKR_DEVICE_ERROR', /nothing was sent there/));
  });

  test('that is not allowed says which role is missing', async () => {
    const claims = Buffer.from(JSON.stringify({ oid: 'object-1' })).toString('base64url');
    service.tokenScript = () => service.token(3600, `h.${claims}.s`);
    const identity = await service.loggedIn();
    service.script = () => refusal(403, 'AccessDenied', 'not authorized');
    await expect(identity.listKeys()).rejects.toEqual(
      code('CKR_FUNCTION_FAILED', /az keyvault role .*--assignee-object-id object-1 .*--scope \/keys$/),
    );
  });
});

describe('keys', () => {
  test('a version is read once, the newest each time', async () => {
    const identity = await service.loggedIn();
    service.script = () => ok(bundle('k'));
    const key = await identity.getKey('k', VERSION);
    expect(key).toEqual({
      name: 'k',
      version: VERSION,
      kid: `${service.url}/keys/k/${VERSION}`,
      enabled: true,
      notBefore: undefined,
      expires: 9,
      created: 7,
      updated: 8,
      tags: { a: 'b' },
      operations: ['sign', 'verify'],
      // The zero byte in front is not part of the number.
      publicKey: { kty: 'RSA', modulus: Uint8Array.of(0xc0, 0x01), exponent: Uint8Array.of(1, 0, 1) },
    });
    expect(await identity.getKey('k', VERSION)).toBe(key);
    expect(service.seen).toHaveLength(1);
    await Promise.all([identity.getKey('k'), identity.getKey('k')]);
    await identity.getKey('k');
    expect(service.seen.map(({ path }) => path).slice(1)).toEqual([
      '/keys/k/?api-version=7.4',
      '/keys/k/?api-version=7.4',
    ]);
  });

  test('coordinates of a curve have its size', async () => {
    const identity = await service.loggedIn();
    service.script = () => ok(bundle('k', VERSION, { kty: 'EC-HSM', crv: 'P-256', x: 'AQ', y: 'Ag' }));
    const { publicKey } = await identity.getKey('k');
    expect(publicKey).toMatchObject({ x: Uint8Array.of(...new Array(31).fill(0), 1) });
  });

  test('an update takes the place of what was read', async () => {
    const identity = await service.loggedIn();
    service.script = ({ method }) => ok(bundle('k', VERSION, method === 'PATCH' ? { key_ops: ['sign'] } : {}));
    await identity.getKey('k', VERSION);
    await identity.updateKey('k', VERSION, { operations: ['sign'], lifetime: { enabled: false } });
    expect(service.seen.at(-1)).toMatchObject({
      method: 'PATCH',
      body: '{"key_ops":["sign"],"attributes":{"enabled":false}}',
    });
    expect((await identity.getKey('k', VERSION)).operations).toEqual(['sign']);
    expect(service.seen).toHaveLength(2);
  });

  test('an update takes away the times that are null, and leaves those that are absent', async () => {
    const identity = await service.loggedIn();
    service.script = () => ok(bundle('k'));
    await identity.updateKey('k', VERSION, { lifetime: { notBefore: null } });
    await identity.updateKey('k', VERSION, { lifetime: { notBefore: 5, expires: null } });
    expect(service.seen.map(({ body }) => body)).toEqual([
      '{"attributes":{"nbf":null}}',
      '{"attributes":{"nbf":5,"exp":null}}',
    ]);
  });

  const newKey = {
    name: 'k',
    key: { kty: 'EC', curve: 'P-384' },
    operations: ['sign'],
    tags: { t: 'v' },
    lifetime: { notBefore: 1, expires: 2 },
  } as const;

  test('create sends the whole key', async () => {
    const identity = await service.loggedIn();
    service.script = () => ok(bundle('k'));
    expect(await identity.createKey(newKey)).toMatchObject({ name: 'k', version: VERSION });
    expect(JSON.parse(service.seen[0]?.body ?? '')).toEqual({
      kty: 'EC-HSM',
      crv: 'P-384',
      key_ops: ['sign'],
      attributes: { nbf: 1, exp: 2 },
      tags: { t: 'v' },
    });
  });

  test('create is not sent again when it may have arrived', async () => {
    const identity = await service.loggedIn();
    service.script = () => 'reset';
    await expect(identity.createKey(newKey)).rejects.toEqual(code('CKR_DEVICE_ERROR'));
    expect(service.seen).toHaveLength(1);
  });

  test('create under the name of a deleted key says so', async () => {
    const identity = await service.loggedIn();
    service.script = () => refusal(409, 'Conflict', 'x', 'ObjectIsDeletedButRecoverable');
    await expect(identity.createKey(newKey)).rejects.toEqual(code('CKR_FUNCTION_FAILED', /recover or purge/));
  });

  test('an own change is in the next list', async () => {
    const identity = await service.loggedIn();
    await identity.listKeys();
    service.script = ({ method }) => (method === 'GET' ? ok({ value: [item('k')] }) : { status: 200 });
    await identity.deleteKey('gone');
    expect(await identity.listKeys()).toHaveLength(1);
  });

  test('random comes in the chunks that the service gives', async () => {
    const identity = await service.loggedIn({ ConnectionCache: { MaxConnections: 2 } });
    service.script = ({ body }) => {
      const { count } = JSON.parse(body) as { count: number };
      return ok({ value: Buffer.alloc(count, count).toString('base64url') });
    };
    expect(await identity.random(300)).toEqual(
      Buffer.concat([Buffer.alloc(128, 128), Buffer.alloc(128, 128), Buffer.alloc(44, 44)]),
    );
    service.script = () => ok({ value: 'AA' });
    await expect(identity.random(16)).rejects.toThrow(/1 bytes instead of 16/);
  });
});
