import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ok, type Reply, refusal, ScriptedService } from './scripted-service.ts';

const VERSION = '0123456789abcdef0123456789abcdef';
const encrypted = new Uint8Array(256).fill(0xfb);

let service: ScriptedService;
beforeAll(async () => {
  service = await ScriptedService.start();
});
afterEach(() => service.reset());
afterAll(() => service.stop());

test('decryption is one request, with the version in its path', async () => {
  const identity = await service.loggedIn();
  service.script = () => ok({ alg: 'RSA-OAEP-256', value: 'AQID' });
  expect(await identity.decrypt('k', VERSION, 'RSA-OAEP-256', encrypted)).toEqual(Buffer.from([1, 2, 3]));
  expect(service.seen).toEqual([
    expect.objectContaining({
      method: 'POST',
      path: `/keys/k/${VERSION}/decrypt?api-version=7.4`,
      body: `{"alg":"RSA-OAEP-256","value":"${Buffer.from(encrypted).toString('base64url')}"}`,
    }),
  ]);
});

test('an empty plaintext is one', async () => {
  const identity = await service.loggedIn();
  service.script = () => ok({ value: '' });
  expect(await identity.decrypt('k', VERSION, 'RSA1_5', encrypted)).toHaveLength(0);
});

test('it is repeated after a cut connection', async () => {
  const identity = await service.loggedIn();
  service.script = (_seen, nth) => (nth === 1 ? 'reset' : ok({ value: 'AQID' }));
  expect(await identity.decrypt('k', VERSION, 'RSA1_5', encrypted)).toHaveLength(3);
});

test.each<[string, Reply, string, RegExp | undefined]>([
  ['does not decrypt', refusal(400, 'BadParameter', 'x'), 'CKR_ENCRYPTED_DATA_INVALID', undefined],
  ['lacks the role', refusal(403, 'AccessDenied', 'x'), 'CKR_KEY_FUNCTION_NOT_PERMITTED', /Crypto User.*\/keys\/k$/],
  [
    'lacks the operation',
    refusal(403, 'Forbidden', 'x', 'KeyOperationForbidden'),
    'CKR_KEY_FUNCTION_NOT_PERMITTED',
    /^add decrypt to .*--name k .*--ops$/,
  ],
  ['is gone', refusal(404, 'KeyNotFound', 'x'), 'CKR_KEY_HANDLE_INVALID', /mhsm_p11_list_keys/],
])('a key that %s is told so by code and hint', async (_what, reply, name, hint) => {
  const identity = await service.loggedIn();
  service.script = () => reply;
  const error = await identity.decrypt('k', VERSION, 'RSA1_5', encrypted).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ line: expect.stringContaining(`(${name} `) });
  expect((error as { hint?: string }).hint ?? '').toMatch(hint ?? /^$/);
  expect(service.seen).toHaveLength(1);
});
