import type { Credentials } from '../../lib/api/credentials.ts';

/**
 * The service principal of the environment, by the variables that the programs take; undefined where the configuration
 * has credentials of its own. Throws when only one of the two is set.
 */
export function credentialsOf({ MHSM_CLIENT_ID, MHSM_CLIENT_SECRET }: NodeJS.ProcessEnv): Credentials | undefined {
  if (!MHSM_CLIENT_ID && !MHSM_CLIENT_SECRET) return undefined;
  if (MHSM_CLIENT_ID && MHSM_CLIENT_SECRET) return { clientId: MHSM_CLIENT_ID, clientSecret: MHSM_CLIENT_SECRET };
  throw new Error(`${MHSM_CLIENT_ID ? 'MHSM_CLIENT_SECRET' : 'MHSM_CLIENT_ID'} is not set: set both, or none of them`);
}
