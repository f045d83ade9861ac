/** The HSM of a configuration file that is to be measured, and as whom. */
import type { Configuration, TokenConfiguration } from '../../lib/config/configuration.ts';
import { loadConfiguration } from '../../lib/config/load.ts';
import { credentialsOf } from './credentials.ts';

export interface ConfiguredHsm {
  /** Origin, without a trailing slash. */
  readonly url: string;
  /** What `tokens[]` says of it, without names of the slot. */
  readonly token: object;
  /** Further sections that say who uses it. */
  readonly sections: object;
  /** `client-id:client-secret`; empty where the configuration says who it is. */
  readonly pin: string;
  /** Who uses it, for people; no secret. */
  readonly user: string;
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

function tokenAt(url: string, { tokens, file }: Configuration): TokenConfiguration {
  const token = tokens.find(({ baseUrl }) => withoutSlash(baseUrl) === withoutSlash(url));
  if (token !== undefined) return token;
  const known = tokens.map(({ baseUrl }) => baseUrl).join(', ');
  throw new Error(`${file} has no token for ${url}: give one of ${known}, or another --config`);
}

/** Who it is without a PIN. Throws where the configuration does not say. */
function ownUser({ credential }: TokenConfiguration, { msi, file }: Configuration): string {
  if (credential !== undefined) return `the credential of its token in ${file}`;
  if (msi.identityMSI) return `the managed identity of ${file}`;
  throw new Error(
    `nobody is named to use the HSM: set MHSM_CLIENT_ID and MHSM_CLIENT_SECRET, or give its token in ${file} a credential`,
  );
}

/**
 * The token with this address, used by the service principal of the environment, else by the identity that the file
 * gives it. Throws ConfigurationError for a wrong file, and an Error that says what is missing.
 */
export function configuredHsm(url: string, file: string, environment: NodeJS.ProcessEnv): ConfiguredHsm {
  const { configuration } = loadConfiguration(file);
  const token = tokenAt(url, configuration);
  const { baseUrl, caFile, tenantId, authorityHost, credential } = token;
  const place = { baseUrl, caFile, tenantId, authorityHost };
  const given = credentialsOf(environment);
  if (given !== undefined) {
    const { clientId, clientSecret } = given;
    const pin = `${clientId}:${clientSecret}`;
    return { url: baseUrl, token: place, sections: {}, pin, user: `client ${clientId} of MHSM_CLIENT_ID` };
  }
  const user = ownUser(token, configuration);
  return { url: baseUrl, token: { ...place, credential }, sections: { msi: configuration.msi }, pin: '', user };
}
