// What a mock begins with: the principals that every mock has, those of the options, and the seed.
import type { MockHsmOptions } from '../options.ts';
import { readSeed, type Seed } from './document.ts';
import { readSeedFile } from './read-file.ts';

/** Reads the seed of the options. Throws SeedError. */
export function seedOf({ seedFile, seedDocument }: MockHsmOptions): Seed {
  return seedFile === undefined ? readSeed(seedDocument, 'seedDocument') : readSeedFile(seedFile);
}

/** Where the seed stands, for messages. */
export const seedSource = ({ seedFile }: MockHsmOptions): string => seedFile ?? 'seedDocument';

/** The seed with what every mock has. @param isFirst whether the data folder is new: then `admin` gets its role */
export function startingSeed({ tokenLifetime, ...seed }: Seed, options: MockHsmOptions, isFirst: boolean): Seed {
  const said = new Set(seed.servicePrincipals.map(({ name }) => name.toLowerCase()));
  const named = ['admin', 'client', ...(options.servicePrincipals ?? [])];
  const others = named.filter((name) => !said.has(name.toLowerCase()));
  const administrator = { role: 'Managed HSM Administrator', principal: 'admin', scope: '/' };
  return {
    ...seed,
    // The option is the nearer one.
    ...(tokenLifetime === undefined || options.tokenLifetimeS !== undefined ? {} : { tokenLifetime }),
    servicePrincipals: [...others.map((name) => ({ name })), ...seed.servicePrincipals],
    roleAssignments: [...(isFirst ? [administrator] : []), ...seed.roleAssignments],
  };
}
