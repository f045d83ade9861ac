import { createHmac, randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../store/store.ts';
import { AccessTokens } from './access-tokens.ts';
import { Directory } from './directory.ts';
import type { ServicePrincipalEntry, UserEntry } from './directory-model.ts';
import { makeSigningKey, SigningKey } from './signing-key.ts';
import { TokenLifetime } from './token-lifetime.ts';

const tenantId = randomUUID();
const pem = makeSigningKey();
const audience = 'https://managedhsm.azure.net';
const oid = randomUUID();
let nowS = 1_800_000_000;
let directory: Directory;
let tokens: AccessTokens;

beforeEach(() => {
  nowS = 1_800_000_000;
  const store = openStore();
  directory = new Directory(store);
  tokens = new AccessTokens(tenantId, pem, new TokenLifetime(store, undefined), directory, () => nowS);
});

/** Claims of a good token. */
const good = () => ({
  aud: audience,
  iss: `https://sts.windows.net/${tenantId}/`,
  tid: tenantId,
  oid,
  appid: randomUUID(),
  nbf: nowS,
  exp: nowS + 3600,
});

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const signed = (change: Record<string, unknown>, key = pem) => new SigningKey(key).sign({ ...good(), ...change });

function withHs256(): string {
  const { publicKey } = new SigningKey(pem);
  const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(good())}`;
  const mac = createHmac('sha256', publicKey.export({ type: 'spki', format: 'pem' })).update(content);
  return `${content}.${mac.digest('base64url')}`;
}

describe('a token is taken', () => {
  test.each([
    ['as v1', {}],
    ['as v2', { iss: `https://login.microsoftonline.com/${tenantId}/v2.0`, appid: undefined, azp: 'app' }],
    ['with a slash behind its audience', { aud: `${audience}/` }],
  ])('%s', async (_what, change) => {
    expect(await tokens.verify(await signed(change), audience)).toMatchObject({ objectId: oid, groups: [] });
  });

  test('with the groups it names, and with those of the directory when they did not fit', async () => {
    const groups = [randomUUID(), randomUUID()];
    expect(await tokens.verify(await signed({ groups }), audience)).toMatchObject({ groups });
    const team = randomUUID();
    directory.put({ kind: 'Group', name: 'team', objectId: team, members: [oid] });
    for (const overage of [{ hasgroups: true }, { _claim_names: { groups: 'src1' } }]) {
      expect(await tokens.verify(await signed(overage), audience)).toMatchObject({ groups: [team] });
    }
  });

  test('until the second in which it ends, and not before it begins', async () => {
    const token = await signed({ nbf: nowS + 10 });
    expect(await tokens.verify(token, audience)).toEqual({
      refused: 'the token is not valid before 2027-01-15T08:00:10.000Z',
    });
    nowS += 10;
    expect(await tokens.verify(token, audience)).toMatchObject({ objectId: oid });
    nowS += 3589;
    expect(await tokens.verify(token, audience)).toMatchObject({ objectId: oid });
    nowS += 1;
    expect(await tokens.verify(token, audience)).toEqual({ refused: 'the token expired at 2027-01-15T09:00:00.000Z' });
  });
});

describe('a token is refused', () => {
  test.each<[string, () => Promise<string> | string, RegExp]>([
    [
      'for another audience',
      () => signed({ aud: 'https://vault.azure.net' }),
      /audience is https:\/\/vault\.azure\.net/,
    ],
    ['for several audiences', () => signed({ aud: [audience, 'https://vault.azure.net'] }), /audience/],
    ['of another tenant', () => signed({ tid: randomUUID() }), /of tenant/],
    ['of another issuer', () => signed({ iss: 'https://sts.windows.net/other/' }), /"iss"/],
    ['without an object id', () => signed({ oid: undefined }), /"oid"/],
    ['without an end', () => signed({ exp: undefined }), /"exp"/],
    ['with another key', () => signed({}, makeSigningKey()), /signature/],
    ['with no signature', () => `${encoded({ alg: 'none' })}.${encoded(good())}.`, /alg/i],
    ['with HS256 under the public key', withHs256, /alg/i],
    ['that is garbage', () => 'abc.def.ghi', /not valid/],
    ['that is empty', () => '', /not valid/],
  ])('%s', async (_what, make, reason) => {
    const result = await tokens.verify(await make(), audience);
    expect(result).toEqual({ refused: expect.stringMatching(reason) });
  });
});

describe('an issued token', () => {
  const app: ServicePrincipalEntry = {
    kind: 'ServicePrincipal',
    name: 'app',
    objectId: oid,
    clientId: randomUUID(),
    secrets: [],
    certificates: [],
    federatedCredentials: [],
  };
  const alice: UserEntry = { kind: 'User', name: 'Alice', objectId: oid, upn: 'alice@a.test', password: 'x' };
  const issue = async (subject: ServicePrincipalEntry | UserEntry, resource = audience) =>
    decodeJwt((await tokens.issue({ subject, clientId: app.clientId, proof: '1' }, resource)).accessToken);

  test('speaks for an application in v1 form', async () => {
    expect(await issue(app)).toMatchObject({
      aud: audience,
      iss: `https://sts.windows.net/${tenantId}/`,
      appid: app.clientId,
      appidacr: '1',
      idtyp: 'app',
      oid,
      sub: oid,
      tid: tenantId,
      ver: '1.0',
      iat: nowS,
      nbf: nowS - 300,
      exp: nowS + 3600,
    });
  });

  test('speaks for a user with another subject for each application', async () => {
    const claims = await issue(alice);
    expect(claims).toMatchObject({ idtyp: 'user', oid, upn: 'alice@a.test', scp: 'user_impersonation' });
    expect(claims.sub).not.toBe(oid);
  });

  test('has v2 form for an application of the tenant', async () => {
    const claims = await issue(app, `api://${app.clientId}`);
    expect(claims).toMatchObject({ aud: app.clientId, azp: app.clientId, azpacr: '1', ver: '2.0' });
    expect(claims).not.toHaveProperty('appid');
  });

  test('names up to 200 groups, and points to the directory for more', async () => {
    const add = (index: number) =>
      directory.put({ kind: 'Group', name: `g${index}`, objectId: randomUUID(), members: [oid] });
    for (let index = 0; index < 200; index += 1) add(index);
    expect((await issue(alice)).groups).toHaveLength(200);
    add(200);
    const claims = await issue(alice);
    expect(claims).not.toHaveProperty('groups');
    expect(claims).toMatchObject({ _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } });
  });

  test('lives as long as its principal says, or else the tenant', async () => {
    tokens.lifetime.seconds = 600;
    expect((await issue(app)).exp).toBe(nowS + 600);
    expect((await issue({ ...app, tokenLifetimeS: 30 })).exp).toBe(nowS + 30);
  });
});
