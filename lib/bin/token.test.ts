import { describe, expect, test } from 'vitest';
import { parseConfiguration } from '../config/parse.ts';
import { loginOf } from './token.ts';

const own = { clientId: 'own', clientSecret: 'of the slot' };
const environment = { MHSM_CLIENT_ID: 'person', MHSM_CLIENT_SECRET: 'of the person' };

function login({ credential = {}, msi = {}, identity = false, env = {} as NodeJS.ProcessEnv }) {
  const token = { slotid: 0, resourceName: 'x', ...credential };
  const { configuration } = parseConfiguration(JSON.stringify({ tokens: [token], msi }), '/x.conf');
  const [chosen] = configuration.tokens;
  if (chosen === undefined) throw new Error('no token');
  const { configuration: effective, pin } = loginOf(configuration, chosen, identity, env);
  return {
    pin: pin && Buffer.from(pin).toString(),
    managed: effective.msi.identityMSI,
    credential: effective.tokens[0]?.credential,
  };
}

describe('whom a tool acts as', () => {
  test('a token with a credential of its own asks for no environment', () => {
    expect(login({ credential: { credential: own } })).toMatchObject({ pin: null, managed: false, credential: own });
  });

  test('a service principal of the environment goes before the credential of the token', () => {
    expect(login({ credential: { credential: own }, env: environment })).toEqual({
      pin: 'person:of the person',
      managed: false,
      credential: undefined,
    });
  });

  test('the managed identity that is asked for goes before all, also before a credential', () => {
    const both = { credential: { credential: own }, env: environment };
    expect(login({ ...both, identity: true })).toEqual({ pin: null, managed: true, credential: undefined });
  });

  test('the managed identity of the configuration goes before the environment', () => {
    expect(login({ env: environment, msi: { identityMSI: true } })).toMatchObject({ pin: null, managed: true });
  });

  test('the managed identity of the configuration is not that of a token with a credential', () => {
    const both = { credential: { credential: own }, msi: { identityMSI: true } };
    expect(login(both)).toMatchObject({ pin: null, managed: false, credential: own });
    const person = { pin: 'person:of the person', managed: false, credential: undefined };
    expect(login({ ...both, env: environment })).toEqual(person);
  });

  test('half a service principal is refused with the half that is missing', () => {
    expect(() => login({})).toThrow('MHSM_CLIENT_ID is not set');
    const half = { env: { MHSM_CLIENT_ID: 'person' }, credential: { credential: own } };
    expect(() => login(half)).toThrow('MHSM_CLIENT_SECRET is not set');
  });
});
