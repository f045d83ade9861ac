// What a mock begins with: the principals that every mock has, those of the options, and the seed.
import type { MockHsmOptions } from '../options.ts';
import { readSeed, type Seed } from './document.ts';
import { readSeedFile } from './read-file.ts';

/** Reads the seed of the options. Throws SeedError. @param source what messages call a seed that is no file */
export function seedOf({ seedFile, seedDocument }: MockHsmOptions, source: string): Seed {
  return seedFile === undefined ? readSeed(seedDocument, source) : readSeedFile(seedFile);
}

/** Where the seed stands, for messages. */
export const seedSource = ({ seedFile }: MockHsmOptions): string => seedFile ?? 'seedDocument';

/**
 * The principal `admin`, as the seed describes it, with its role: what a new data folder gets before all else, so that a
 * fault further on in the seed leaves no mock without an administrator.
 */
export function administratorSeed({ servicePrincipals }: Seed): Seed {
  const said = servicePrincipals.filter(({ name }) => name.toLowerCase() === 'admin');
  const roleAssignments = [{ role: 'Managed HSM Administrator', principal: 'admin', scope: '/' }];
  const document = { servicePrincipals: said.length === 0 ? [{ name: 'admin' }] : said, roleAssignments };
  return readSeed(document, 'administrator');
}

/** The seed with the principals that every mock has and those of the options. */
export function startingSeed({ tokenLifetime, ...seed }: Seed, options: MockHsmOptions): Seed {
  const said = new Set(seed.servicePrincipals.map(({ name }) => name.toLowerCase()));
  const named = ['admin', 'client', ...(options.servicePrincipals ?? [])];
  const others = named.filter((name) => !said.has(name.toLowerCase()));
  return {
    ...seed,
    // The option is the nearer one.
    ...(tokenLifetime === undefined || options.tokenLifetimeS !== undefined ? {} : { tokenLifetime }),
    servicePrincipals: [...others.map((name) => ({ name })), ...seed.servicePrincipals],
  };
}
