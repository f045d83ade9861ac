import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { granular, permissive, readRoleDefinition, shellWord } from './role-commands.ts';

const objectId = '11111111-2222-4333-8444-555555555555';
const request = {
  hsm: 'ContosoMHSM',
  assignee: { principal: objectId, managedIdentity: true },
  keys: ['p11-1', 'p11-2'],
};

test('the granular approach reads all keys and uses those that are named', () => {
  const who = `--assignee-object-id ${objectId} --assignee-principal-type MSI`;
  const begin = 'az keyvault role assignment create --hsm-name ContosoMHSM --role';
  expect(granular(request)).toEqual([
    `${begin} 'TLS Library User Read Role' ${who} --scope /keys`,
    `${begin} 'Managed HSM Crypto User' ${who} --scope /keys/p11-1`,
    `${begin} 'Managed HSM Crypto User' ${who} --scope /keys/p11-2`,
  ]);
  expect(readRoleDefinition(request)).toContain('"dataActions":["Microsoft.KeyVault/managedHsm/keys/read/action"]');
});

test('a sign-in name is left to az to look up', () => {
  const assignee = { principal: 'TLSOffloadServicePrincipal@contoso.com', managedIdentity: false };
  expect(permissive({ ...request, assignee })).toEqual([
    "az keyvault role assignment create --hsm-name ContosoMHSM --role 'Managed HSM Crypto User' --assignee TLSOffloadServicePrincipal@contoso.com --scope /keys",
  ]);
});

test('a word means to a shell what it says, whatever is in it', () => {
  const texts = fc.sample(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), { numRuns: 200, seed: 1 });
  const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${texts.map(shellWord).join(' ')}`], { encoding: 'utf8' });
  expect(printed.split('\0').slice(0, -1)).toEqual(texts);
});
