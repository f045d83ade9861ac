import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Assembly, assemble } from '../assemble.ts';
import type { MockHsmOptions } from '../options.ts';
import { applySeed } from './apply.ts';
import { describeSeed } from './describe.ts';
import { readSeed, type SeedDocument, SeedError } from './document.ts';
import { readSeedFile } from './read-file.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'mock-hsm', 'seed.yaml');
const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-seed-'));

afterAll(() => rmSync(folder, { recursive: true }));

describe('a seed file', () => {
  function faultOf(text: string): string {
    const file = join(folder, 'seed.yaml');
    writeFileSync(file, text);
    try {
      readSeedFile(file);
    } catch (error) {
      if (error instanceof SeedError) return error.message.replaceAll(file, 'FILE');
      throw error;
    }
    return 'none';
  }

  test.each([
    ['users: [', /^FILE:1:\d+: /],
    ['users: 7', /^FILE: users: .*expected array/],
    ['users: &all [*all]', /^FILE: an anchor stands within itself/],
    ['servicePrincipals: [{ name: a, secret: x }]', /^FILE: servicePrincipals\[0\]: .*"secret"/],
    [
      'servicePrincipals: [{ name: a, secrets: [{ value: x, expires: soon }] }]',
      /^FILE: servicePrincipals\[0\]\.secrets\[0\]\.expires: must be a time/,
    ],
    [
      'servicePrincipals: [{ name: a, secrets: [{ value: x, expires: 9000000000000000 }] }]',
      /^FILE: servicePrincipals\[0\]\.secrets\[0\]\.expires: must be a time/,
    ],
    ['users: [{ name: -a }]', /^FILE: users\[0\]\.name: .* begin with a letter, a digit or _$/],
    ['roleAssignments: [{ role: r, principal: p, scope: keys }]', /^FILE: roleAssignments\[0\]\.scope: must be \/,/],
    ['roleDefinitions: [{ roleName: r, dataActions: [nothing] }]', /^FILE: roleDefinitions\[0\]\.dataActions\[0\]: /],
    ['keys: [{ name: a b, kty: RSA }]', /^FILE: keys\[0\]\.name: must be .*\nFILE: keys\[0\]\.kty: /],
    [
      'users: [{ name: a, password: { environment: MOCK_HSM_UNSET } }]',
      /^FILE: users\[0\]\.password: .*MOCK_HSM_UNSET/,
    ],
    ['users: [{ name: a, password: { file: nowhere } }]', /^FILE: users\[0\]\.password: cannot read .*nowhere/],
  ])('%s is refused with file, place and what is expected', (text, message) => {
    expect(faultOf(text)).toMatch(message);
  });

  test('takes texts from the environment and from files beside it, and JSON', () => {
    const file = join(folder, 'seed.json');
    process.env.MOCK_HSM_SEED_TEST = 'from the environment';
    writeFileSync(join(folder, 'password'), 'from a file\n');
    const user = { name: 'a', upn: 'a@b.test', password: { file: 'password' } };
    const app = { name: 'b', secrets: [{ environment: 'MOCK_HSM_SEED_TEST' }] };
    writeFileSync(file, JSON.stringify({ users: [user], servicePrincipals: [app] }));
    const seed = readSeedFile(file);
    expect(seed.users[0]?.password).toBe('from a file');
    expect(seed.servicePrincipals[0]?.secrets?.[0]?.value).toBe('from the environment');
  });

  test('takes tags for what they are, whatever they are called, and their values from elsewhere', () => {
    const file = join(folder, 'tags.json');
    process.env.MOCK_HSM_SEED_TEST = 'shop';
    const tags = [{ environment: 'prod' }, { file: 'nowhere' }, { site: { environment: 'MOCK_HSM_SEED_TEST' } }];
    writeFileSync(file, JSON.stringify({ keys: tags.map((each) => ({ name: 'k', kty: 'EC-HSM', tags: each })) }));
    const read = readSeedFile(file).keys.map((key) => key.tags);
    expect(read).toEqual([{ environment: 'prod' }, { file: 'nowhere' }, { site: 'shop' }]);
  });

  test('that is not there is named', () => {
    expect(() => readSeedFile(join(folder, 'none.yaml'))).toThrow(/cannot read the seed file .*none\.yaml: ENOENT/);
  });
});

describe('applying', () => {
  let mock: Assembly;

  beforeEach(async () => {
    mock = await assemble({});
  });
  afterEach(() => mock.close());

  const apply = (document: SeedDocument) => applySeed(readSeed(document, 'test'), mock.service, 'test');

  test('the example a second time changes nothing, and all of it is there', async () => {
    await mock.close();
    mock = await assemble({ seedFile: example });
    const held = describeSeed(mock.service);
    expect(await applySeed(readSeedFile(example), mock.service, 'example')).toEqual([]);
    expect(describeSeed(mock.service)).toEqual(held);
    const assignment = { role: 'TLS Library User Read Role', principal: 'key-users', scope: '/keys' };
    expect(held.roleAssignments).toContainEqual(assignment);
    expect(held.groups).toMatchObject([
      { name: 'hsm-operators', members: ['alice'] },
      { name: 'key-users', members: ['tls-offload', 'signer', 'hsm-operators'] },
    ]);
    expect(['tls-rsa', 'tls-ec', 'wrapping'].map((name) => mock.service.keys.ring.live(name).versions.length)).toEqual([
      1, 1, 1,
    ]);
  });

  test('nothing secret is in the description', async () => {
    await apply({
      servicePrincipals: [{ name: 'app', secrets: ['very-secret-1'] }],
      users: [{ name: 'alice', upn: 'alice@a.test', password: 'very-secret-2' }],
    });
    expect(JSON.stringify(describeSeed(mock.service))).not.toContain('very-secret');
  });

  test('adds to what is there: secrets, lifetimes and members, and keeps ids', async () => {
    await apply({ servicePrincipals: [{ name: 'app' }], groups: [{ name: 'team' }] });
    const before = mock.service.directory.byName('app');
    const changes = await apply({
      servicePrincipals: [{ name: 'APP', secrets: ['second'], tokenLifetime: 60 }],
      groups: [{ name: 'team', members: ['app'] }],
    });
    expect(changes).toEqual(['ServicePrincipal app changed', 'Group team changed']);
    const after = mock.service.directory.byName('app');
    expect(after).toMatchObject({ objectId: before?.objectId, tokenLifetimeS: 60 });
    expect(after?.kind === 'ServicePrincipal' && after.secrets.map(({ value }) => value)).toEqual([
      before?.kind === 'ServicePrincipal' && before.secrets[0]?.value,
      'second',
    ]);
  });

  test('a new service principal gets a secret unless it proves itself otherwise', async () => {
    await apply({
      servicePrincipals: [
        { name: 'plain' },
        { name: 'federated', federatedCredentials: [{ issuer: 'i', subject: 's' }] },
      ],
    });
    expect(mock.service.directory.byName('plain')).toMatchObject({ secrets: [{}] });
    expect(mock.service.directory.byName('federated')).toMatchObject({ secrets: [] });
  });

  test('takes away, and what is not there is no error', async () => {
    await apply({
      servicePrincipals: [{ name: 'app' }, { name: 'other' }],
      groups: [{ name: 'team', members: ['app', 'other'] }],
      roleAssignments: [{ role: 'Managed HSM Crypto User', principal: 'app', scope: '/keys' }],
    });
    const secret = describeSeed(mock.service).servicePrincipals.find(({ name }) => name === 'app')?.secrets[0];
    const remove = {
      principals: ['other'],
      secrets: [{ principal: 'app', keyId: secret?.keyId ?? '' }],
      members: [{ group: 'team', member: 'app' }],
      roleAssignments: [{ role: 'Managed HSM Crypto User', principal: 'app', scope: '/keys' }],
    };
    expect(await apply({ remove })).toHaveLength(4);
    expect(await apply({ remove })).toEqual([]);
    expect(mock.service.directory.byName('app')).toMatchObject({ secrets: [] });
    expect(mock.service.directory.byName('team')).toMatchObject({ members: [] });
    expect(mock.service.directory.byName('other')).toBeUndefined();
  });

  const app = '11111111-1111-4111-8111-111111111111';

  test.each<[string, SeedDocument, RegExp]>([
    [
      'an unknown role',
      { roleAssignments: [{ role: 'Boss', principal: 'client', scope: '/' }] },
      /no role Boss; there are: M/,
    ],
    [
      'an unknown principal',
      { roleAssignments: [{ role: 'Managed HSM Crypto User', principal: 'nobody', scope: '/' }] },
      /nobody, which is neither/,
    ],
    ['an unknown member', { groups: [{ name: 'g', members: ['nobody'] }] }, /group g has the member nobody/],
    ['a name of another kind', { users: [{ name: 'client' }] }, /client is a ServicePrincipal already/],
    [
      'a service principal whose variables another one has',
      { servicePrincipals: [{ name: 'key-gen' }, { name: 'key_gen' }] },
      /key_gen and key-gen would both be MHSM_KEY_GEN_CLIENT_ID; choose another name/,
    ],
    ['another id', { servicePrincipals: [{ name: 'client', clientId: app }] }, /client already has the clientId/],
    ['another tenant', { tenantId: app }, /the tenant is .* already/],
    ['a user without password', { users: [{ name: 'u', upn: 'u@a.test' }] }, /user u is new and needs a password/],
    ['what is no certificate', { servicePrincipals: [{ name: 'a', certificates: [{ pem: 'x' }] }] }, /no X\.509/],
    [
      'two system-assigned identities',
      {
        managedIdentities: [
          { name: 'a', assigned: 'system' },
          { name: 'b', assigned: 'system' },
        ],
      },
      /has one system-assigned managed identity, this one would have: a, b/,
    ],
    ['a size that no key has', { keys: [{ name: 'k', kty: 'RSA-HSM', size: 1000 }] }, /^test: key k: .*1000/],
  ])('%s is refused with what to do', async (_what, document, message) => {
    const result = await apply(document).then(
      () => 'applied',
      (error: unknown) => (error instanceof SeedError ? error.message : error),
    );
    expect(result).toMatch(message);
    expect(result).toMatch(/^test: /);
  });
});

test('a mock starts with its seed, and a second start on the folder with the same seed changes nothing', async () => {
  const dataDir = join(folder, 'data');
  const first = await assemble({ dataDir, seedFile: example });
  const held = describeSeed(first.service);
  await first.close();
  const second = await assemble({ dataDir, seedFile: example });
  expect(describeSeed(second.service)).toEqual(held);
  expect(held.tenantId).toBe('5c9a3c5e-7e8f-4b1a-9f0d-2f6a1f0c7b11');
  await second.close();
});

test('the life of tokens is kept, and gives way to the option for one run alone', async () => {
  const dataDir = join(folder, 'lifetime');
  const lifetimeWith = async (options: MockHsmOptions) => {
    const mock = await assemble({ dataDir, ...options });
    const { tokenLifetime } = describeSeed(mock.service);
    await mock.close();
    return [tokenLifetime, mock.changes];
  };
  const changes = expect.arrayContaining(['access tokens live 60 s']);
  expect(await lifetimeWith({ seedDocument: { tokenLifetime: 60 } })).toEqual([60, changes]);
  expect(await lifetimeWith({ tokenLifetimeS: 7 })).toEqual([7, []]);
  expect(await lifetimeWith({ seedDocument: { tokenLifetime: 60 } })).toEqual([60, []]);
  expect(await lifetimeWith({})).toEqual([60, []]);
});

test('a first start that fails at its seed leaves a folder whose admin has its role', async () => {
  const dataDir = join(folder, 'failed');
  const failing = { dataDir, seedDocument: { groups: [{ name: 'g', members: ['nobody'] }] } };
  await expect(assemble(failing)).rejects.toThrow(/^seedDocument: group g has the member nobody/);
  const mock = await assemble({ dataDir });
  const administrator = { role: 'Managed HSM Administrator', principal: 'admin', scope: '/' };
  expect(describeSeed(mock.service).roleAssignments).toEqual([administrator]);
  await mock.close();
});
