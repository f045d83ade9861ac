import { describe, expect, test } from 'vitest';
import { parseConfiguration } from '../config/parse.ts';
import { CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { credentialOfPin, nameOf, ownCredential } from './credential.ts';

const POD = {
  AZURE_CLIENT_ID: 'pod',
  AZURE_TENANT_ID: 'tenant',
  AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/token',
};

function own(credential: object | undefined, msi: object, environment = {}) {
  const text = JSON.stringify({ tokens: [{ slotid: 0, resourceName: 'x', credential }], msi });
  const { configuration } = parseConfiguration(text, 'test.conf');
  const [token] = configuration.tokens;
  if (token === undefined) throw new Error('no token');
  return ownCredential(token, configuration, environment);
}

const GUID = '00000000-0000-4000-8000-000000000001';

describe('a PIN that is not client-id:client-secret', () => {
  test.each([
    ['after 31 characters, as pkcs11-provider cuts one in a file', 31, true],
    ['after 32 characters, as libp11 cuts one in a URI', 32, true],
    ['after 30 characters, as nobody does', 30, false],
  ])('cut %s', (_how, length, told) => {
    const refuse = () => credentialOfPin(Buffer.from(`${GUID}:s3cret`.slice(0, length)));
    const hint = told ? /cut.*openssl\.cnf/ : /^(?!.*cut)/;
    expect(refuse).toThrow(expect.objectContaining({ hint: expect.stringMatching(hint) }));
  });
});

test('a PIN of more bytes than the token says it takes is refused, whatever is in it', () => {
  const pin = (bytes: number) => Buffer.from(`${GUID}:`.padEnd(bytes, 's'));
  expect(credentialOfPin(pin(1024))).toMatchObject({ clientId: GUID });
  const refusal = { rv: CKR_PIN_INCORRECT, message: 'the PIN has 1025 bytes, 1024 are the most' };
  expect(() => credentialOfPin(pin(1025))).toThrow(expect.objectContaining(refusal));
});

describe('whose identity a slot has', () => {
  const secret = { clientId: 'app', clientSecret: 's3cret' };
  const msi = { identityMSI: true, MSIClientID: 'mi' };

  test.each([
    ['none: the PIN decides', undefined, {}, {}, undefined],
    ['none, though MSIClientID is there: identityMSI is off', undefined, { MSIClientID: 'mi' }, {}, undefined],
    ['none, though the environment is that of a pod', undefined, {}, POD, undefined],
    ['managed identity of the machine', undefined, { identityMSI: true }, {}, 'the system-assigned managed identity'],
    ['the managed identity that MSIClientID names', undefined, msi, {}, 'managed identity mi'],
    ['the workload identity of a pod, for identityMSI', undefined, { identityMSI: true }, POD, 'workload identity pod'],
    ['that with the client id of MSIClientID', undefined, msi, POD, 'workload identity mi'],
    ['its own credential before identityMSI', secret, msi, POD, 'client app'],
    ['a managed identity of its own', { managedIdentity: true, clientId: 'own' }, msi, {}, 'managed identity own'],
    ['the system-assigned one of its own', { managedIdentity: true }, msi, {}, 'the system-assigned managed identity'],
    ['a workload identity of the environment', { workloadIdentity: true }, {}, POD, 'workload identity pod'],
    ['a workload identity of the file', { workloadIdentity: true, clientId: 'own' }, {}, POD, 'workload identity own'],
  ])('%s', (_who, credential, settings, environment, expected) => {
    const found = own(credential, settings, environment);
    expect(found && nameOf(found)).toBe(expected);
  });

  test('enableIMDSCache changes nobody: the agent keeps one token for all processes anyway', () => {
    expect(own(undefined, { ...msi, enableIMDSCache: true })).toEqual(own(undefined, msi));
  });

  test('what the credential says of a workload identity goes before the environment', () => {
    const named = { workloadIdentity: true, clientId: 'own', tenantId: 'other', federatedTokenFile: '/token' };
    const expected = { kind: 'workload', clientId: 'own', tenantId: 'other', tokenFile: '/token' };
    expect(own(named, {}, POD)).toEqual(expected);
  });

  test('a workload identity that nothing names says what to set', () => {
    const find = () => own({ workloadIdentity: true }, {}, { AZURE_CLIENT_ID: 'pod' });
    expect(find).toThrow(
      expect.objectContaining({ line: expect.stringMatching(/AZURE_FEDERATED_TOKEN_FILE.*federatedTokenFile/) }),
    );
  });

  test('a certificate that is not there is named with its place', () => {
    const find = () => own({ clientId: 'app', certificatePath: '/nowhere/client.pem' }, {});
    expect(find).toThrow(/tokens\[0\]\.credential\.certificatePath \/nowhere\/client\.pem: ENOENT/);
  });

  test.each([
    [{ clientId: 'a' }, /expected one of clientSecret, certificatePath/],
    [{ clientSecret: 'x' }, /expected a clientId with/],
    [{ managedIdentity: true, workloadIdentity: true }, /expected one of/],
    [{ managedIdentity: true, federatedTokenFile: '/token' }, /federatedTokenFile with workloadIdentity alone/],
  ])('%j is refused', (credential, message) => {
    expect(() => own(credential, {})).toThrow(message);
  });
});

test.each([
  ['id:secret', 'secret'],
  ['id:secret\n', 'secret'],
  ['id:secret\r\n', 'secret'],
  ['id:a:b:c', 'a:b:c'],
  ['id: secret with spaces ', ' secret with spaces '],
  ['id:ß€𝕏', 'ß€𝕏'],
])('the secret of the PIN %j is %j', (pin, clientSecret) => {
  expect(credentialOfPin(Buffer.from(pin))).toMatchObject({ clientId: 'id', clientSecret });
});
