// The two files a user of the mock needs: the CA to trust, and the addresses and credentials as shell variables.
import { join } from 'node:path';
import type { MockHsm, ServicePrincipal } from './start.ts';
import { writeFileAtomically } from './store/store.ts';

/** Writes `ca.pem` and `env` (mode 0600, it holds secrets) into the folder. */
export function writeEnvironment(folder: string, hsm: MockHsm): void {
  writeFileAtomically(join(folder, 'ca.pem'), hsm.caPem, 0o644);
  const lines = Object.entries(environmentOf(hsm)).map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`);
  writeFileAtomically(join(folder, 'env'), lines.join(''), 0o600);
}

/** The variables by name. */
export function environmentOf(hsm: MockHsm): Record<string, string> {
  const credentials = (name: string, principal: ServicePrincipal) => ({
    [`MHSM_${name}_CLIENT_ID`]: principal.clientId,
    [`MHSM_${name}_CLIENT_SECRET`]: principal.clientSecret,
    [`MHSM_${name}_OBJECT_ID`]: principal.objectId,
  });
  const variables = {
    MHSM_URL: hsm.url,
    MHSM_AUTHORITY_HOST: hsm.url,
    MHSM_TENANT_ID: hsm.tenantId,
    MHSM_ADMIN_CLIENT_ID: hsm.admin.clientId,
    MHSM_ADMIN_CLIENT_SECRET: hsm.admin.clientSecret,
    MHSM_CLIENT_ID: hsm.client.clientId,
    MHSM_CLIENT_SECRET: hsm.client.clientSecret,
    MHSM_CLIENT_OBJECT_ID: hsm.client.objectId,
    ...(hsm.imdsUrl === undefined ? {} : { MHSM_IMDS_URL: hsm.imdsUrl }),
    ...(hsm.identityEndpoint === undefined ? {} : { MHSM_IDENTITY_ENDPOINT: hsm.identityEndpoint }),
    ...(hsm.identityHeader === undefined ? {} : { MHSM_IDENTITY_HEADER: hsm.identityHeader }),
  };
  for (const [name, principal] of Object.entries(hsm.principals))
    Object.assign(variables, credentials(variablePart(name), principal));
  return variables;
}

/** A name as part of a variable's: `key-gen 1` is `KEY_GEN_1`. */
export const variablePart = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '_');

const shellQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
