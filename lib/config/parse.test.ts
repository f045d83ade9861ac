import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dumpOf } from './dump.ts';
import { editDistance } from './key-names.ts';
import { configurationFile, loadConfiguration, unreadable } from './load.ts';
import { examineConfiguration, parseConfiguration } from './parse.ts';

const FILE = '/etc/mhsm-pkcs11.conf';
const parse = (value: unknown) =>
  parseConfiguration(typeof value === 'string' ? value : JSON.stringify(value, null, 1), FILE);
const minimal = { tokens: [{ slotid: 0, resourceName: 'myhsm' }] };

/** The file's keys with their letters in other cases. */
function recase(value: unknown, upper: () => boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => recase(item, upper));
  if (typeof value !== 'object' || value === null) return value;
  const letters = (key: string) =>
    [...key].map((letter) => (upper() ? letter.toUpperCase() : letter.toLowerCase())).join('');
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [letters(key), recase(item, upper)]));
}

describe('a configuration', () => {
  test('the example file has every default of the closed library', () => {
    const { configuration, warnings } = loadConfiguration('examples/mhsm-pkcs11.conf');
    expect(warnings).toEqual([]);
    expect(configuration.tokens).toMatchObject([
      { slotid: 0, baseUrl: 'https://myhsm.managedhsm.azure.net', label: 'myhsm' },
    ]);
    expect(configuration.ConnectionCache).toEqual({ Disable: false, MaxConnections: 20 });
    expect(configuration.msi.identityMSI).toBe(false);
  });

  test('a slot and a name are enough', () => {
    expect(parse(minimal).configuration).toMatchObject({
      ConnectionCache: { Disable: false, MaxConnections: 20 },
      timeouts: { requestMs: 10_000 },
      log: { directory: '/var/log', flags: { SendToFile: false } },
    });
  });

  test('keys are matched in any case, and `flag` as `flags`', () => {
    const example: unknown = JSON.parse(readFileSync('examples/mhsm-pkcs11.conf', 'utf8'));
    const expected = parse(example);
    fc.assert(
      fc.property(fc.infiniteStream(fc.boolean()), (cases) => {
        expect(parse(recase(example, () => cases.next().value))).toEqual(expected);
      }),
    );
    expect(parse({ ...minimal, log: { flag: { SendToFile: true } } }).configuration.log.flags.SendToFile).toBe(true);
  });

  test('0 and 1 are false and true, as the closed library prints them', () => {
    expect(parse({ ...minimal, ConnectionCache: { Disable: 1 } }).configuration.ConnectionCache.Disable).toBe(true);
  });

  test('a suffix may begin with its dot, a file with a byte order mark', () => {
    const token = { slotid: 0, resourceName: 'a', uri: '.managedhsm.azure.cn' };
    const text = `\uFEFF${JSON.stringify({ tokens: [token] })}`;
    expect(parse(text).configuration.tokens[0]?.baseUrl).toBe('https://a.managedhsm.azure.cn');
  });

  test('a name too long for a label is cut at a whole character', () => {
    const { configuration } = parse({ tokens: [{ slotid: 0, resourceName: 'ä'.repeat(20), baseUrl: 'https://x' }] });
    expect(configuration.tokens[0]?.label).toBe('ä'.repeat(16));
  });

  test('the nearest known key is found for any slip of one letter', () => {
    const keys = ['MaxConnections', 'Disable'];
    const slip = fc.tuple(fc.constantFrom(...keys), fc.nat(20), fc.constantFrom('', 'q', '_'));
    fc.assert(
      fc.property(slip, ([key, at, letter]) => {
        const i = at % key.length;
        const wrong = key.slice(0, i) + letter + key.slice(i + 1);
        const { warnings } = parse({ ...minimal, ConnectionCache: { [wrong]: true } });
        expect(warnings).toEqual([expect.stringContaining(`did you mean ${key}?`)]);
      }),
    );
  });

  test('baseUrl stands for protocol, name and suffix', () => {
    const { configuration } = parse({ tokens: [{ slotid: 1, baseUrl: 'https://localhost:8443/' }] });
    expect(configuration.tokens[0]).toMatchObject({ baseUrl: 'https://localhost:8443', label: 'localhost' });
  });

  test('an unknown key is a warning that names the nearest known one, and where it is', () => {
    expect(parse({ ...minimal, ConnectionCashe: {} }).warnings).toEqual([
      expect.stringMatching(
        /mhsm-pkcs11\.conf:8:\d+: ConnectionCashe is not known and ignored; did you mean ConnectionCache\?/,
      ),
    ]);
  });

  test.each([
    ['off', 'Off'],
    ['ERROR', 'Error'],
    ['Warning', 'Error'],
    ['info', 'Info'],
    ['verbose', 'Verbose'],
    ['Trace', 'Verbose'],
  ])('the HTTP level %s is %s, under Curl as well', (written, level) => {
    const { configuration, warnings } = parse({ ...minimal, log: { module: { Curl: { level: written } } } });
    expect({ level: configuration.log.module.curl.Level, warnings }).toEqual({ level, warnings: [] });
  });

  test('an HTTP level that nobody knows is warned of, and logs errors', () => {
    const { configuration, warnings } = parse({ ...minimal, log: { module: { curl: { Level: 'Loud' } } } });
    expect(configuration.log.module.curl.Level).toBe('Error');
    expect(warnings).toEqual([
      expect.stringMatching(/:\d+:\d+: log\.module\.curl\.Level is "Loud", which is taken as Error; known: Off, Error/),
    ]);
  });

  test('the dump for the log has every default, switches as 0 and 1, and no secret', () => {
    const credential = { clientId: 'client-1', clientSecret: 's3cret-words' };
    const { configuration } = parse({
      tokens: [{ slotid: 7, resourceName: 'x', credential }],
      log: { flag: { SendToFile: true } },
    });
    const dump = dumpOf(configuration);
    expect(dump).toMatchObject({
      tokens: [{ slotid: 7, credential: { clientId: 'client-1', clientSecret: '[cut]' } }],
      log: { directory: '/var/log', flags: { SendToFile: 1, IncludePINs: 0 } },
      ConnectionCache: { Disable: 0, MaxConnections: 20 },
    });
    expect(JSON.stringify(dump)).not.toContain('s3cret');
  });

  test('IncludePINs is refused, DisableTLSAuthentication is warned of', () => {
    const { warnings } = parse({
      ...minimal,
      log: { flags: { IncludePINs: true } },
      options: { DisableTLSAuthentication: true },
    });
    expect(warnings).toEqual([
      expect.stringMatching(/PINs are never logged/),
      expect.stringMatching(/pose as the HSM/),
    ]);
  });
});

describe('a wrong configuration says where, what it found and what is expected', () => {
  test.each([
    ['broken JSON', '{\n "tokens": [', /^\/etc\/mhsm-pkcs11\.conf:2:\d+: not valid JSON: .* expected/],
    ['an empty file', '', /:1:1: not valid JSON: value expected/],
    ['a list instead of an object', '[]', /the file is \[\], expected an object/],
    ['no tokens', {}, /tokens is nothing, expected a list/],
    ['empty tokens', { tokens: [] }, /tokens is \[\], expected at least one token/],
    [
      'a slotid that is a text',
      { tokens: [{ slotid: 'a', resourceName: 'x' }] },
      /:4:\d+: tokens\[0\]\.slotid is "a", expected a number/,
    ],
    [
      'a token without an address',
      { tokens: [{ slotid: 0 }] },
      /tokens\[0\] is an object with slotid, expected resourceName or baseUrl/,
    ],
    [
      'an address without TLS',
      { tokens: [{ slotid: 0, baseUrl: 'http://x' }] },
      /baseUrl is "http:\/\/x", expected an https:\/\/ address/,
    ],
    [
      'a key vault',
      { tokens: [{ slotid: 0, resourceName: 'x', resourceType: 'vault' }] },
      /resourceType is "vault", expected "mhsm"/,
    ],
    [
      'no connections',
      { ...minimal, connectioncache: { maxconnections: 0 } },
      /connectioncache\.maxconnections is 0, expected at least 1/,
    ],
    [
      'two tokens of one slot',
      { tokens: [...minimal.tokens, ...minimal.tokens] },
      /:8:\d+: tokens\[1\]\.slotid is 0, which tokens\[0\] has too/,
    ],
    [
      'an address with a path, which would be ignored',
      { tokens: [{ slotid: 0, baseUrl: 'https://x/keys' }] },
      /expected an https:\/\/ address without path and query/,
    ],
    [
      'a name that makes no host name',
      { tokens: [{ slotid: 0, resourceName: 'my hsm' }] },
      /:5:\d+: tokens\[0\]\.resourceName is "my hsm", expected a resourceName and uri that make a host name/,
    ],
    [
      'a label that does not fit into CK_TOKEN_INFO',
      { tokens: [{ slotid: 0, resourceName: 'x', label: 'ä'.repeat(17) }] },
      /label is "ä+", expected at most 32 bytes/,
    ],
    [
      'a value that is not whole',
      { ...minimal, ConnectionCache: { MaxConnections: 1.5 } },
      /MaxConnections is 1\.5, expected a whole number/,
    ],
    [
      'a user that is an object',
      { ...minimal, agent: { user: {} } },
      /agent\.user is \{\}, expected a name or a number/,
    ],
  ])('%s', (_what, value, message) => {
    expect(() => parse(value)).toThrow(message);
  });

  const secret = 's3cret';
  test('all that is wrong is found at once, in the order of the file, and the error tells the first and how many', () => {
    const wrong = {
      tokens: [
        { slotid: 'a', label: 'ä'.repeat(17), baseUrl: 'http://x' },
        { slotid: -1, credential: { clientId: '', clientSecret: [secret], managedIdentity: 'yes' } },
        { slotid: 7, resourceName: 'my hsm', protocol: 'https://' },
        { slotid: 7, resourceName: 'x' },
      ],
      log: { flags: { SendToFile: 'yes' } },
      timeouts: { requestMs: 1 },
      ConnectionCashe: {},
    };
    const { configuration, problems, warnings } = examineConfiguration(JSON.stringify(wrong, null, 1), FILE);
    expect(configuration).toBeUndefined();
    expect(problems.map(({ message }) => message.replace(/^\S+:\d+:\d+: /, ''))).toEqual([
      'tokens[0].slotid is "a", expected a number',
      `tokens[0].label is "${'ä'.repeat(17)}", expected at most 32 bytes`,
      'tokens[0].baseUrl is "http://x", expected an https:// address without path and query',
      'tokens[1] is an object with slotid, credential, expected resourceName or baseUrl',
      'tokens[1].slotid is -1, expected at least 0',
      'tokens[1].credential is an object with clientId, clientSecret, managedIdentity, expected one of clientSecret, certificatePath, managedIdentity, workloadIdentity',
      'tokens[1].credential.clientId is "", expected at least 1',
      'tokens[1].credential.clientSecret is a value that is not shown, expected a text',
      'tokens[1].credential.managedIdentity is "yes", expected true or false',
      'tokens[2].resourceName is "my hsm", expected a resourceName and uri that make a host name',
      'tokens[3].slotid is 7, which tokens[2] has too',
      'log.flags.SendToFile is "yes", expected true or false',
      'timeouts.requestMs is 1, expected at least 100',
    ]);
    expect(warnings).toEqual([expect.stringContaining('did you mean ConnectionCache?')]);
    expect(JSON.stringify(problems)).not.toContain(secret);
    expect(() => parse(wrong)).toThrow(/tokens\[0\]\.slotid is "a", expected a number \(the first of 13 mistakes\)$/);
  });

  test('a list where an object belongs is told once', () => {
    const listed = { tokens: [{ slotid: 0, resourceName: 'x', credential: [] }, []], log: [] };
    expect(examineConfiguration(JSON.stringify(listed), FILE).problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/tokens\[0\]\.credential is \[\], expected an object \{ \}$/),
      expect.stringMatching(/tokens\[1\] is \[\], expected an object \{ \}$/),
      expect.stringMatching(/log is \[\], expected an object \{ \}$/),
    ]);
  });

  test.each([true, 1])('beside a mistake all warnings are told (switches on as %s)', (on) => {
    const wrong = {
      tokens: [],
      Tokens: [],
      log: { flags: { includepins: on } },
      options: { DisableTLSAuthentication: on },
      ConnectionCashe: {},
    };
    expect(examineConfiguration(JSON.stringify(wrong), FILE).warnings).toEqual([
      expect.stringMatching(/stands twice/),
      expect.stringMatching(/did you mean ConnectionCache/),
      expect.stringMatching(/PINs are never logged/),
      expect.stringMatching(/pose as the HSM/),
    ]);
  });

  test('broken JSON is told once a line', () => {
    const text = '{\n "tokens": [{ "slotid": 0 "resourceName": x }],\n "log": {},\n}';
    expect(examineConfiguration(text, FILE).problems.map(({ message }) => message)).toEqual([
      `${FILE}:2:27: not valid JSON: comma expected`,
      `${FILE}:4:1: not valid JSON: property name expected`,
    ]);
  });

  test('a key that stands twice is warned of: the last one counts, in any case, also for messages', () => {
    const text = (last: number) =>
      `{"tokens": [],\n "Tokens": [{"slotid": 0, "resourceName": "x"}],\n "timeouts": {"requestMs": 1, "requestMs": ${last}}}`;
    const { configuration, warnings } = parse(text(500));
    expect(configuration).toMatchObject({ tokens: [{ slotid: 0 }], timeouts: { requestMs: 500 } });
    expect(warnings).toEqual([
      `${FILE}:1:2: tokens stands twice: the last one counts`,
      `${FILE}:3:15: timeouts.requestMs stands twice: the last one counts`,
    ]);
    expect(() => parse(text(2))).toThrow(/:3:44: timeouts\.requestMs is 2,/);
  });

  test.each([
    ['of the wrong kind', { clientId: 'id', clientSecret: [secret] }, /clientSecret is a value that is not shown/],
    [
      'beside a certificate',
      { clientId: 'id', clientSecret: secret, certificatePath: '/x' },
      /an object with clientId/,
    ],
    [
      'under a key that does not exist',
      { clientId: 'id', clientSecrte: secret },
      /expected one of clientSecret, certificatePath/,
    ],
    ['in an address', undefined, /baseUrl is a value that is not shown/],
  ])('a secret %s is never shown', (_where, credential, message) => {
    const baseUrl = credential === undefined ? `https://user:${secret}@host` : undefined;
    const find = () => parse({ tokens: [{ slotid: 0, resourceName: 'x', baseUrl, credential }] });
    expect(find).toThrow(message);
    expect(find).not.toThrow(secret);
  });

  test.each([
    ['where an object belongs', { credential: secret }],
    ['as a PIN in another place', { resourceName: 7, tenantId: `01234567-89ab-cdef-0123-456789abcdef:${secret}` }],
    ['with a slash, in an address', { baseUrl: `https://user:a/${secret}@host` }],
    ['one level too low', { credential: { clientId: 'id', clientSecret: { value: secret } } }],
  ])('a secret %s is shown in no problem', (_where, token) => {
    const find = () => parse({ tokens: [{ slotid: 0, ...token }] });
    expect(find).toThrow();
    expect(find).not.toThrow(secret);
  });

  test('a missing file names the variable that points elsewhere', () => {
    const find = () => loadConfiguration(configurationFile({ MHSM_PKCS11_CONF: '/nowhere/x.conf' }));
    expect(find).toThrow(/cannot read the configuration \/nowhere\/x\.conf: there is no such file/);
    expect(find).toThrow(expect.objectContaining({ hint: expect.stringContaining('MHSM_PKCS11_CONF') }));
    expect(configurationFile({})).toBe('/etc/mhsm-pkcs11.conf');
  });

  test.each([
    ['ENOENT', '/x/y.conf', /^set MHSM_PKCS11_CONF to the path of the file, or write/],
    ['EACCES', '/x/y.conf', /^run as a user that may read it, or let this one: namei -l \/x\/y\.conf shows/],
    ['EISDIR', '/x', /^give the path of the file, such as \/x\/mhsm-pkcs11\.conf$/],
    ['ENOTDIR', '/x/y.conf', /^a part of the path before the last is no folder: correct it$/],
    ['EIO', '/x/y.conf', /^correct the path, or what keeps it from being read$/],
  ])('a file that cannot be read for %s has the cure that fits', (code, file, hint) => {
    const error = unreadable(file, Object.assign(new Error('the reason'), { code }));
    expect(error.message).toMatch(`cannot read the configuration ${file}: `);
    expect(error.hint).toMatch(hint);
  });

  test('a folder and a file without an end are refused', () => {
    expect(() => loadConfiguration('/tmp')).toThrow(/cannot read the configuration \/tmp: it is a folder/);
    expect(() => loadConfiguration('/dev/zero')).toThrow(/\/dev\/zero: it has more than 1048576 bytes/);
  });
});

test('editDistance is a metric', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});
