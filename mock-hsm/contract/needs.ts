// What a contract test needs that only the mock has. A test, or a whole file by `// @module-tag clock`, names its needs
// as vitest tags; aimed at a real pool, it is skipped for that reason.

/** Base URL of the pool that the tests are aimed at; undefined for the mock, which each file then starts for itself. */
export const against = process.env.MHSM_CONTRACT_AGAINST;

/** By tag: why the test is for the mock alone. */
export const mockNeeds: Readonly<Record<string, string>> = {
  clock: 'moves the clock',
  faults: 'asks for faults',
  'mock-routes': 'looks at /mock/',
  directory: 'needs principals, hosts or the token endpoint of the mock',
  'own-pool': 'needs a pool of its own: counts, fills or changes all of it',
  'mock-form': 'holds what is the mock’s own choice, where the service promises nothing',
};

/** The tags for vitest's configuration. */
export const needTags = Object.entries(mockNeeds).map(([name, description]) => ({
  name,
  description,
  skip: against !== undefined,
}));
