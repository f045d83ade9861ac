// Principals of every type, and what reaches them through their groups.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, assemble } from '../assemble.ts';
import { maxGroupsInToken } from '../identity/claims.ts';
import type { GroupEntry, TokenSubject } from '../identity/directory-model.ts';
import { createApp } from '../server.ts';
import { makeServerCertificate } from '../tls/certificate-authority.ts';
import type { App } from '../traffic/call.ts';

const cryptoUser = '21dbd100-6940-42c2-9190-5d6cb909625b';

let assembly: Assembly;
let app: App;

beforeAll(async () => {
  assembly = await assemble({});
  app = createApp(assembly.service, await makeServerCertificate(assembly.authority, ['localhost'], new Date()));
});

afterAll(async () => {
  await app.close();
  await assembly.close();
});

const named = (name: string) => ({ name, objectId: randomUUID() });

const subjects: Record<string, () => TokenSubject> = {
  User: () => {
    const { name, objectId } = named(`user ${randomUUID()}`);
    return { kind: 'User', name, objectId, upn: `${objectId}@contoso.com`, password: 'x' };
  },
  ServicePrincipal: () => assembly.service.directory.ensureServicePrincipal(`app ${randomUUID()}`),
  MSI: () => ({
    kind: 'ManagedIdentity',
    ...named(`identity ${randomUUID()}`),
    clientId: randomUUID(),
    assigned: 'user',
    resourceId: '/subscriptions/x',
    onThisMachine: false,
    federatedCredentials: [],
  }),
};

function addGroup(members: readonly string[]): GroupEntry {
  const group: GroupEntry = { kind: 'Group', ...named(`group ${randomUUID()}`), members };
  assembly.service.directory.put(group);
  return group;
}

const assign = (principalId: string, scope: string) =>
  assembly.service.roles.addAssignment({ name: randomUUID(), principalId, roleDefinition: cryptoUser, scope });

async function newToken(subject: TokenSubject): Promise<string> {
  const clientId = 'clientId' in subject ? subject.clientId : randomUUID();
  const grant = { subject, clientId, proof: '1' } as const;
  return (await assembly.service.tokens.issue(grant, 'https://managedhsm.azure.net')).accessToken;
}

async function statusOfList(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await app.inject({ url: '/keys?api-version=7.4', headers })).statusCode;
}

describe.each(Object.keys(subjects))('a principal of type %s', (type) => {
  let subject: TokenSubject;

  beforeAll(() => {
    subject = subjects[type]?.() ?? assembly.service.directory.ensureServicePrincipal('none');
    assembly.service.directory.put(subject);
  });

  test('may do nothing without a role', async () => {
    expect(await statusOfList(await newToken(subject))).toBe(403);
  });

  test('may do what is assigned to a group of its groups, with the next token after it joined', async () => {
    const inner = addGroup([subject.objectId]);
    const outer = addGroup([inner.objectId]);
    const before = await newToken(subject);
    assign(outer.objectId.toUpperCase(), '/keys');
    expect(await statusOfList(before)).toBe(200);
    assembly.service.directory.remove(inner.objectId);
    expect(await statusOfList(before)).toBe(200);
    expect(await statusOfList(await newToken(subject))).toBe(403);
  });

  test('may do what is assigned to itself', async () => {
    assign(subject.objectId, '/keys');
    expect(await statusOfList(await newToken(subject))).toBe(200);
  });
});

test('more groups than a token holds are looked up in the directory', async () => {
  const user = subjects.User?.() as TokenSubject;
  assembly.service.directory.put(user);
  let last = addGroup([user.objectId]);
  for (let i = 0; i < maxGroupsInToken; i += 1) last = addGroup([user.objectId]);
  const token = await newToken(user);
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  expect(claims.groups).toBeUndefined();
  expect(await statusOfList(token)).toBe(403);
  assign(last.objectId, '/keys');
  expect(await statusOfList(token)).toBe(200);
});
