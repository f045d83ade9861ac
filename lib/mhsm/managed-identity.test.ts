import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HsmIdentity } from '../core/hsm.ts';
import { InterceptedAzure, json } from './intercepted-azure.ts';

const azure = new InterceptedAzure();
beforeAll(() => azure.enable());
afterEach(async () => {
  vi.unstubAllEnvs();
  await azure.reset();
});
afterAll(() => azure.disable());

function own(msi: object): HsmIdentity {
  const { ownIdentity } = azure.hsm({ msi: { identityMSI: true, ...msi } });
  if (ownIdentity === undefined) throw new Error('no identity of its own');
  return ownIdentity;
}

const asked = () => azure.machineRequests.map(({ url }) => new URL(url));

describe('a managed identity', () => {
  test('is asked of the metadata service, for Managed HSM alone', async () => {
    await own({}).authenticate();
    const [url] = asked();
    expect(url?.origin).toBe('http://169.254.169.254');
    expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
      'api-version': '2018-02-01',
      resource: 'https://managedhsm.azure.net',
    });
    expect(azure.machineRequests[0]?.headers.get('metadata')).toBe('true');
    expect(azure.tokensOf).toEqual([]);
  });

  test('is the user-assigned one that MSIClientID names', async () => {
    await own({ MSIClientID: 'mi-1' }).authenticate();
    expect(asked()[0]?.searchParams.get('client_id')).toBe('mi-1');
  });

  test('is asked where imdsEndpoint says, and never through a proxy', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) vi.stubEnv(name, 'http://proxy.example:3128');
    await own({ imdsEndpoint: 'http://127.0.0.1:8081' }).authenticate();
    expect(asked().map(({ origin }) => origin)).toEqual(['http://127.0.0.1:8081']);
    expect(azure.strangers).toEqual([]);
  });

  test.each(['ftp://127.0.0.1', 'http://user@127.0.0.1', 'http://127.0.0.1/path', '127.0.0.1:8081'])(
    'has no imdsEndpoint %s',
    (imdsEndpoint) => {
      expect(() => own({ imdsEndpoint })).toThrow(/msi\.imdsEndpoint is .*expected an http:/);
    },
  );

  test('has a token anew when the HSM refused the one it had', async () => {
    const identity = own({});
    azure.answer = ({ token }) => (token === 'machine-2' ? json({ value: [] }) : json({}, 401));
    expect(await identity.listKeys()).toEqual([]);
    expect(azure.asked.map(({ token }) => token)).toEqual(['machine-1', 'machine-2']);
  });

  test('that many ask for is asked for once', async () => {
    const identity = own({});
    await Promise.all(Array.from({ length: 50 }, () => identity.authenticate()));
    expect(azure.machineRequests).toHaveLength(1);
  });

  test.each([
    [
      'which the machine does not have',
      () => json({ error: 'invalid_request', error_description: 'Identity not found' }, 400),
      /Identity not found/,
    ],
    ['from something else', () => json(['no token']), /no token for managed identity mi-1/],
  ])('%s is told with what to do', async (_what, answer, message) => {
    azure.machine = answer;
    await expect(own({ MSIClientID: 'mi-1' }).authenticate()).rejects.toMatchObject({
      line: expect.stringMatching(/CKR_DEVICE_ERROR/),
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/MSIClientID/),
    });
  });

  test('is not given away: the authority in a challenge plays no part, the resource does', async () => {
    azure.challenge = azure.challenge.replace('managedhsm.azure.net', 'vault.azure.net');
    await expect(own({}).authenticate()).rejects.toThrow(/vault\.azure\.net, which is not its own/);
    expect(azure.machineRequests).toEqual([]);
  });
});
