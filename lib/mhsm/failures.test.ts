import { describe, expect, test } from 'vitest';
import { CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED, CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import type { Credential } from './credential.ts';
import { failureOfNetwork, failureOfToken } from './failures.ts';
import { NoAnswer } from './no-answer.ts';

const target = { url: 'https://myhsm.managedhsm.azure.net', configurationPath: 'tokens[1]' };
const network = (code: string) =>
  failureOfNetwork(new NoAnswer('network', false, Object.assign(new Error('words'), { code })), target);

describe('failureOfNetwork', () => {
  test.each([
    ['ENOTFOUND', /^cannot reach https:\/\/myhsm\.managedhsm\.azure\.net: ENOTFOUND$/, /DNS.*tokens\[1\]/],
    ['ECONNREFUSED', /^cannot reach/, /check that it runs/],
    ['ENETUNREACH', /^cannot reach/, /firewall/],
    ['UND_ERR_CONNECT_TIMEOUT', /did not answer in time/, /timeouts\.requestMs/],
    ['ETIMEDOUT', /did not answer in time/, /network/],
    ['ECONNRESET', /closed the connection/, /proxies/],
    ['UND_ERR_SOCKET', /closed the connection/, /proxies/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /certificate.*not trusted: SELF_SIGNED/, /set caFile of tokens\[1\]/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /not trusted/, /set caFile of tokens\[1\]/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /not trusted/, /set caFile of tokens\[1\]/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /not trusted/, /set caFile of tokens\[1\]/],
    ['CERT_HAS_EXPIRED', /not trusted/, /renew.*clock/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /not trusted/, /another name.*tokens\[1\]/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /cannot reach/, /no HTTPS server/],
    ['EPROTO', /cannot reach/, /no HTTPS server/],
  ])('%s', (code, message, hint) => {
    const failure = network(code);
    expect(failure.rv).toBe(CKR_DEVICE_ERROR);
    expect(failure.message).toMatch(message);
    expect(failure.hint).toMatch(hint);
  });

  test.each([
    ['crowded', CKR_FUNCTION_FAILED, /too many requests wait/],
    ['queue', CKR_DEVICE_ERROR, /no connection to .* became free/],
    ['connect', CKR_DEVICE_ERROR, /cannot reach/],
    ['answer', CKR_DEVICE_ERROR, /did not answer in time/],
  ] as const)('the end of waiting: %s', (reason, rv, message) => {
    expect(failureOfNetwork(new NoAnswer(reason, false), target)).toMatchObject({
      rv,
      message: expect.stringMatching(message),
    });
  });

  test('looks for the reason inside: all addresses of a name can fail', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    expect(failureOfNetwork(new NoAnswer('network', false, new AggregateError([refused])), target).message).toMatch(
      /ECONNREFUSED/,
    );
  });

  test('an error without a code is told in its words', () => {
    const cause = new Error('an answer longer than 8 MiB');
    expect(failureOfNetwork(new NoAnswer('network', true, cause), target).message).toMatch(/: an answer longer/);
  });
});

describe('failureOfToken', () => {
  const authority = { url: 'https://login.microsoftonline.com', configurationPath: 'tokens[1]' };
  const pin: Credential = { kind: 'secret', origin: 'pin', clientId: 'c', clientSecret: 's' };
  const failure = (message: string, trace = {}, credential: Credential = pin) =>
    failureOfToken(new Error(message), trace, credential, 'client c', authority);

  test.each([
    ['AADSTS7000215: Invalid client secret provided', CKR_PIN_INCORRECT, /secret is wrong/],
    ['invalid_client: 700016 - AADSTS700016: Application not found', CKR_PIN_INCORRECT, /client id/],
    ['AADSTS99999: something new', CKR_PIN_INCORRECT, /look the number up/],
    ['AADSTS90002: Tenant not found', CKR_DEVICE_ERROR, /tenantId/],
    ['does not contain a PEM-encoded certificate', CKR_DEVICE_ERROR, /check the credential .* of tokens\[1\]/],
  ])('%s', (message, rv, hint) => {
    const told = failure(message);
    expect(told).toMatchObject({ rv, hint: expect.stringMatching(hint) });
    expect(told.cause).toBeUndefined();
  });

  test('a refused credential of the configuration is not the fault of a PIN, and the hint says where it stands', () => {
    const told = failure('AADSTS7000222: expired', {}, { ...pin, origin: 'configuration' });
    expect(told).toMatchObject({ rv: CKR_DEVICE_ERROR, hint: expect.stringMatching(/^tokens\[1\] has .*expired/) });
  });

  test('a federated token that cannot be read is told with its file', () => {
    const workload: Credential = { kind: 'workload', clientId: 'c', tokenFile: '/run/token' };
    const told = failure("ENOENT: no such file or directory, open '/run/token'", {}, workload);
    expect(told.message).toMatch(/ENOENT.*\/run\/token/);
    expect(told.hint).toMatch(/file/);
  });

  test.each([
    ['ENOTFOUND', /DNS/],
    ['ECONNREFUSED', /firewall/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /set caFile of tokens\[1\]/],
  ])('%s on the way, which the token library does not tell', (code, hint) => {
    const problem = Object.assign(new Error('words'), { code });
    const told = failure('network_error', { problem });
    expect(told).toMatchObject({ rv: CKR_DEVICE_ERROR, hint: expect.stringMatching(hint) });
    expect(told.message).toMatch(new RegExp(`login\\.microsoftonline\\.com.*${code}`));
  });

  test.each([429, 500, 503])('a %i of Entra ID is not the fault of the credential', (status) => {
    expect(failure('network_error', { status })).toMatchObject({
      rv: CKR_DEVICE_ERROR,
      hint: expect.stringMatching(/again/),
    });
  });

  test('a machine without a managed identity is told what to do', () => {
    const problem = Object.assign(new Error('words'), { code: 'EHOSTUNREACH' });
    expect(
      failure('network_error', { problem }, { kind: 'managed', clientId: undefined, imdsEndpoint: undefined }),
    ).toMatchObject({
      rv: CKR_DEVICE_ERROR,
      message: 'no token for client c: EHOSTUNREACH',
      hint: expect.stringMatching(/MSIClientID/),
    });
  });
});
