// What Microsoft publishes of a Standard B1 pool (Managed HSM scaling guidance): operations a second on one of three
// partitions, with one key, averaged over five minutes. "Up to three times" that with all partitions up.

/** Operations a second, by `operation` or by `operation:KEY-TYPE`, e.g. `sign:RSA-2048`; operations as in the metrics. */
export type Rates = Readonly<Record<string, number>>;

/** One row a published row, one column a key type. */
const rsa = {
  encrypt: [2800, 2700, 2300],
  decrypt: [1100, 360, 160],
  wrapKey: [2200, 1900, 1900],
  unwrapKey: [1100, 360, 160],
  sign: [900, 340, 150],
  verify: [3400, 3400, 3700],
};

const ec = {
  sign: [330, 330, 160, 200],
  verify: [130, 130, 82, 28],
};

/** Published for key wrap; GCM and CBC, for which there is no row, are taken to be as fast. */
const aes = {
  encrypt: [2100, 2100, 2100],
  decrypt: [1800, 1900, 2200],
  wrapKey: [2100, 2100, 2100],
  unwrapKey: [1800, 1900, 2200],
};

const keyTypes = {
  rsa: ['RSA-2048', 'RSA-3072', 'RSA-4096'],
  ec: ['P-256', 'P-256K', 'P-384', 'P-521'],
  aes: ['AES-128', 'AES-192', 'AES-256'],
};

const columns = (rows: Record<string, number[]>, types: readonly string[]): [string, number][] =>
  Object.entries(rows).flatMap(([operation, figures]) =>
    figures.map((figure, column): [string, number] => [`${operation}:${types[column]}`, figure]),
  );

/** What waits its turn in the HSM: rate of one partition. */
export const standardB1Capacity: Rates = {
  get: 1100,
  ...Object.fromEntries([...columns(rsa, keyTypes.rsa), ...columns(ec, keyTypes.ec), ...columns(aes, keyTypes.aes)]),
};

const roleOperations = ['RoleDefinitions', 'RoleAssignments'].map((plural) => [plural, plural.slice(0, -1)] as const);

/** What shares the limit on role operations: all of them, reads too. */
export const roleOperationNames: readonly string[] = roleOperations.flatMap(([plural, single]) => [
  `list${plural}`,
  ...['get', 'put', 'delete'].map((verb) => `${verb}${single}`),
]);

/** What is refused with 429 above its rate: operations a second of the whole pool. `roles` stands for all on roles. */
export const standardB1Limits: Rates = {
  create: 1,
  import: 1,
  rotate: 1,
  delete: 10,
  purge: 10,
  backup: 10,
  restore: 10,
  roles: 5,
};

/** Every operation and key type that `--capacity` can name. */
export const capacityNames: readonly string[] = [
  ...Object.keys(standardB1Capacity),
  'rng',
  'list',
  ...Object.keys(standardB1Limits),
];
