/** A service principal. */
export interface ServicePrincipal {
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * The service principal of the environment, by the variables that the programs take; undefined where there is none.
 * Throws when only one of the two is set.
 */
export function credentialsOf({ MHSM_CLIENT_ID, MHSM_CLIENT_SECRET }: NodeJS.ProcessEnv): ServicePrincipal | undefined {
  if (!MHSM_CLIENT_ID && !MHSM_CLIENT_SECRET) return undefined;
  if (MHSM_CLIENT_ID && MHSM_CLIENT_SECRET) return { clientId: MHSM_CLIENT_ID, clientSecret: MHSM_CLIENT_SECRET };
  throw new Error(`${MHSM_CLIENT_ID ? 'MHSM_CLIENT_SECRET' : 'MHSM_CLIENT_ID'} is not set: set both, or none of them`);
}
