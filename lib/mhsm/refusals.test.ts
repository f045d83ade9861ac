import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CKR_FUNCTION_FAILED } from '../pkcs11/constants.ts';
import { type Asked, failureOfAnswer } from './refusals.ts';

const parties = {
  url: 'https://myhsm.managedhsm.azure.net',
  configurationPath: 'tokens[0]',
  identity: 'client c',
  objectId: 'object-1',
};
const body = (code: string, message = 'words', innerCode?: string) =>
  JSON.stringify({ error: { code, message, innererror: { code: innerCode } } });
const OPERATIONS = ['list', 'get', 'sign', 'decrypt', 'create', 'update', 'delete', 'random'] as const;

describe('a missing role', () => {
  test.each<[Asked['operation'], string, string, string]>([
    ['list', 'TLS Library User Read Role', '/keys', '--key k'],
    ['get', 'TLS Library User Read Role', '/keys', '--key k'],
    ['sign', 'Managed HSM Crypto User', '/keys/k', '--key k'],
    ['decrypt', 'Managed HSM Crypto User', '/keys/k', '--key k'],
    ['create', 'Managed HSM Crypto User', '/keys', '--approach permissive'],
    ['update', 'Managed HSM Crypto User', '/keys/k', '--key k'],
    ['delete', 'Managed HSM Crypto User', '/keys/k', '--key k'],
  ])(
    'for %s is %s at %s: the hint is the command that grants it, and who prints all',
    (operation, role, scope, all) => {
      const { hint } = failureOfAnswer(403, body('AccessDenied'), { operation, key: 'k' }, parties);
      expect(hint).toBe(
        `mhsm-p11 roles --principal object-1 ${all} prints all az commands; this needs az keyvault role assignment create --hsm-name myhsm --role "${role}" --assignee-object-id object-1 --assignee-principal-type ServicePrincipal --scope ${scope}`,
      );
    },
  );

  test('for random bytes is at the root, which the roles of TLS offload leave out', () => {
    const { hint } = failureOfAnswer(403, body('AccessDenied'), { operation: 'random' }, parties);
    expect(hint).toMatch(/^az keyvault role assignment create .* --role "Managed HSM Crypto User" .* --scope \/$/);
  });

  test('without a known object id leaves a place for it', () => {
    const { hint } = failureOfAnswer(403, '', { operation: 'list' }, { ...parties, objectId: undefined });
    expect(hint).toContain('mhsm-p11 roles --principal <object id> --key <key name> prints');
    expect(hint).toContain('--assignee-object-id <object id> ');
  });
});

test.each([
  ['ObjectIsDeletedButRecoverable', /recover or purge/],
  ['ObjectIsBeingDeleted', /wait/],
  [undefined, /choose another/],
])('a name that is taken (%s) says what to do', (innerCode, hint) => {
  const told = failureOfAnswer(409, body('Conflict', 'x', innerCode), { operation: 'create', key: 'k' }, parties);
  expect(told).toMatchObject({ rv: CKR_FUNCTION_FAILED, hint: expect.stringMatching(hint) });
});

test('whatever an answer says, it is told in one line that is not long and names status, key and identity', () => {
  const noise = fc.oneof(fc.string({ unit: 'binary', maxLength: 2000 }), fc.constant('\n'.repeat(500)));
  const bodies = fc.oneof(
    noise,
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.record({ error: fc.jsonValue() }).map((value) => JSON.stringify(value)),
    fc.tuple(noise, noise, noise).map(([code, message, inner]) => body(code, message, inner)),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 599 }),
      bodies,
      fc.constantFrom(...OPERATIONS),
      (status, text, operation) => {
        const { message } = failureOfAnswer(status, text, { operation, key: 'k' }, parties);
        expect(message).not.toMatch(/[\p{Cc}]/u);
        expect(message.length).toBeLessThan(800);
        expect(message).toMatch(new RegExp(`refused ${operation} k for client c with ${status}`));
      },
    ),
  );
});
