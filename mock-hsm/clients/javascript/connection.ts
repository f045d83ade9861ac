// The pool and the credential as a user's program would make them; where they are, the environment says.
import { DefaultAzureCredential } from '@azure/identity';
import { CryptographyClient, KeyClient, type KeyVaultKey } from '@azure/keyvault-keys';

/** With another authority than Azure's, MSAL must be told not to ask login.microsoftonline.com about it. */
const isElsewhere = process.env.AZURE_AUTHORITY_HOST !== undefined;

export const credential = isElsewhere
  ? new DefaultAzureCredential({ disableInstanceDiscovery: true })
  : new DefaultAzureCredential();

export const client = new KeyClient(process.env.POOL_URL ?? 'https://mypool.managedhsm.azure.net', credential);

export const cryptographyClient = (key: KeyVaultKey | string) => new CryptographyClient(key, credential);

export async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
