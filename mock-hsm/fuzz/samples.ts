// Bodies that operations take, to begin from; a fuzz that starts from noise never gets past the first check.

const value = Buffer.alloc(32, 7).toString('base64url');
const block = Buffer.alloc(16, 1).toString('base64url');
const nonce = Buffer.alloc(12, 1).toString('base64url');
const faultPage = { status: 502, body: '<p>', contentType: 'text/html', cut: 'midway' };
const guid = '21dbd100-6940-42c2-9190-5d6cb909625b';

/** By the end of the path they belong to. */
const byPath: readonly (readonly [RegExp, readonly unknown[]])[] = [
  [
    /\/create$/,
    [
      { kty: 'EC-HSM', crv: 'P-256', tags: { a: 'b' }, attributes: { enabled: true, exp: 4_000_000_000 } },
      { kty: 'EC-HSM', crv: 'P-521', key_ops: ['sign', 'verify'], attributes: { nbf: 1 } },
      { kty: 'oct-HSM', key_size: 256 },
      {
        kty: 'EC-HSM',
        attributes: { exportable: true },
        release_policy: {
          contentType: 'application/json; charset=utf-8',
          data: Buffer.from('{}').toString('base64url'),
        },
      },
    ],
  ],
  [
    /\/(sign|verify)$/,
    [
      { alg: 'ES256', value },
      { alg: 'ES256', digest: value, value: value + value },
    ],
  ],
  [
    /\/(encrypt|decrypt|wrapkey|unwrapkey)$/,
    [
      { alg: 'A256GCM', value, iv: nonce, tag: block, aad: value },
      { alg: 'A256GCM', value },
      { alg: 'A256CBCPAD', value, iv: block },
      { alg: 'A256KW', value },
      { alg: 'RSA-OAEP', value },
      { alg: 'CKM_AES_KEY_WRAP_PAD', value },
    ],
  ],
  [
    /\/rotationpolicy$/,
    [
      {
        lifetimeActions: [{ trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'Rotate' } }],
        attributes: { expiryTime: 'P90D' },
      },
    ],
  ],
  [/\/release$/, [{ target: 'a.b.c', nonce: 'n', enc: 'CKM_RSA_AES_KEY_WRAP' }]],
  [/^\/keys\/restore$/, [{ value }]],
  [/^\/rng$/, [{ count: 16 }]],
  [
    /roleDefinitions/i,
    [
      {
        properties: {
          roleName: 'fuzz',
          description: 'd',
          permissions: [{ actions: [], dataActions: ['Microsoft.KeyVault/managedHsm/keys/read/action'] }],
          assignableScopes: ['/'],
        },
      },
    ],
  ],
  [
    /roleAssignments/i,
    [{ properties: { roleDefinitionId: guid, principalId: guid, principalType: 'ServicePrincipal' } }],
  ],
  [/\/settings/, [{ value: 'true' }]],
  [
    /\/(backup|restore|selectiverestore|prebackup|prerestore|restore\w*)$/i,
    [
      {
        storageResourceUri: 'https://account.blob.core.windows.net/container',
        token: 'sv=1',
        useManagedIdentity: false,
        sasTokenParameters: { storageResourceUri: 'https://account.blob.core.windows.net/c', token: 'sv=1' },
        folderToRestore: 'mhsm-fuzz-2026',
        folder: 'mhsm-fuzz-2026',
      },
    ],
  ],
  [/securitydomain/i, [{ certificates: [], required: 2 }, { value }]],
  [/^\/mock\/faults/, [{ operation: 'sign', status: 503, times: 1, retryAfterS: 1 }, { delayMs: 1 }, faultPage]],
  [/^\/mock\/clock/, [{ offset: '1h' }, { advance: 1000 }, { freeze: true }, { run: true }]],
  [/^\/mock\/tokens/, [{ lifetimeS: 3600 }]],
  [/^\/mock\/connections/, [{ idleTimeoutMs: 1000, maxRequests: 5 }]],
  [/^\/mock\/activation/, [{ activated: false }]],
  [/^\/mock\/profile/, [{ profile: 'none', latency: '0ms' }]],
  [
    /^\/mock\/seed/,
    [{ principals: { fuzzed: {} }, groups: { g: { members: [] } }, keys: { seeded: { kty: 'EC-HSM' } } }],
  ],
  [/^\/mock\/allowed/, [{ principal: guid, operation: 'sign', scope: '/keys/ec' }]],
];

const all = byPath.flatMap(([, samples]) => samples);

const importedKey = {
  key: {
    kty: 'EC-HSM',
    crv: 'P-256',
    x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
    y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
    key_ops: ['sign'],
  },
  tags: {},
};

const anyKey = [importedKey, { attributes: { enabled: true }, tags: { c: 'd' } }];

/** Bodies to begin from for this route. */
export function samplesFor(url: string): readonly unknown[] {
  if (/^\/keys\/:name(\/:version)?$/.test(url)) return anyKey;
  return byPath.find(([pattern]) => pattern.test(url))?.[1] ?? all;
}

/** Forms for token endpoints. */
export const formSamples: readonly Record<string, string>[] = [
  {
    grant_type: 'client_credentials',
    client_id: guid,
    client_secret: 's',
    scope: 'https://managedhsm.azure.net/.default',
  },
  { grant_type: 'password', client_id: guid, username: 'u@x', password: 'p', scope: 'openid' },
  { grant_type: 'refresh_token', client_id: guid, refresh_token: 'r', scope: 'openid' },
  { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: guid, device_code: 'd' },
  {
    grant_type: 'client_credentials',
    client_id: guid,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'eyJhbGciOiJSUzI1NiJ9.e30.AA',
    scope: 'https://managedhsm.azure.net/.default',
  },
];
