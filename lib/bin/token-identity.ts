/** The identity that a tool acts as, at the HSM itself: what PKCS#11 does not show. */
import { configurationFile, loadConfiguration } from '../config/load.ts';
import type { HsmIdentity } from '../core/hsm.ts';
import { chooseToken, type Login, loginOf, type TokenOptions } from './token.ts';

/** Works as the identity of a login; nothing is sent before. `log` takes the lines of the HSM client. */
export async function withIdentityOf<T>(
  { configuration, pin }: Login,
  log: (line: string) => void,
  work: (identity: HsmIdentity) => Promise<T>,
): Promise<T> {
  const [token] = configuration.tokens;
  if (token === undefined) throw new Error('a login has one token');
  const { createHsm } = await import('../mhsm/hsm.ts');
  const hsm = createHsm(token, configuration, { log });
  try {
    return await work(hsm.ownIdentity ?? hsm.identityOfPin(pin ?? new Uint8Array(0)));
  } finally {
    await hsm.close();
  }
}

/** Works as the identity that the command line and the environment choose, with a token at hand. */
export async function withIdentity<T>(
  { slot, identity = false, warn }: TokenOptions,
  work: (identity: HsmIdentity) => Promise<T>,
): Promise<T> {
  const { configuration, warnings } = loadConfiguration(configurationFile(process.env));
  for (const warning of warnings) warn(warning);
  const login = loginOf(configuration, chooseToken(configuration, slot), identity, process.env);
  return withIdentityOf(login, warn, async (own) => {
    await own.authenticate();
    return work(own);
  });
}
