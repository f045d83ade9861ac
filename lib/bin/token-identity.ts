import { configurationFile, loadConfiguration } from '../config/load.ts';
import type { HsmIdentity } from '../core/hsm.ts';
import { createHsm } from '../mhsm/hsm.ts';
import { chooseToken, type Login, loginOf, type TokenOptions } from './token.ts';

/** The identity that a tool acts as, at the HSM itself: what PKCS#11 does not show. */
export async function withIdentity<T>(
  { slot, identity = false, warn }: TokenOptions,
  work: (identity: HsmIdentity) => Promise<T>,
): Promise<T> {
  const { configuration, warnings } = loadConfiguration(configurationFile(process.env));
  for (const warning of warnings) warn(warning);
  const login = loginOf(configuration, chooseToken(configuration, slot), identity, process.env);
  const hsm = openHsm(login, warn);
  try {
    await hsm.identity.authenticate();
    return await work(hsm.identity);
  } finally {
    await hsm.close();
  }
}

function openHsm({ configuration, pin }: Login, log: (line: string) => void) {
  const [token] = configuration.tokens;
  if (token === undefined) throw new Error('a login has one token');
  const hsm = createHsm(token, configuration, { log });
  const identity = hsm.ownIdentity ?? hsm.identityOfPin(pin ?? new Uint8Array(0));
  return { identity, close: () => hsm.close() };
}
