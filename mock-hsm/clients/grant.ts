// Assigns a role as the administrator. Arguments: object id of the principal, GUID of the role, scope. Runs on a stage.
import { randomUUID } from 'node:crypto';
import { ClientSecretCredential } from '@azure/identity';

const [principalId = '', role = '', scope = ''] = process.argv.slice(2);
const of = (name: string) => process.env[name] ?? '';

const authorityHost = of('MHSM_AUTHORITY_HOST');
const credential = new ClientSecretCredential(
  of('MHSM_TENANT_ID'),
  of('MHSM_ADMIN_CLIENT_ID'),
  of('MHSM_ADMIN_CLIENT_SECRET'),
  { authorityHost, disableInstanceDiscovery: true },
);
const { token } = await credential.getToken('https://managedhsm.azure.net/.default');
const path = `${scope === '/' ? '' : scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
const roleDefinitionId = `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${role}`;
const answer = await fetch(`${of('MHSM_URL')}${path}?api-version=7.4`, {
  method: 'PUT',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ properties: { principalId, roleDefinitionId } }),
});
if (answer.status !== 201) throw new Error(`assigning ${role} at ${scope}: ${answer.status} ${await answer.text()}`);
