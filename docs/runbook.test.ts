import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CreatedKey, Offload } from '../demo/offload.ts';
import { SigningClient } from '../demo/signing-client.ts';
import { noteSecret } from '../secret-watch/evidence.ts';

const ROOT = join(import.meta.dirname, '..');
const LABEL = 'web';
/** Words shorter than this would be found anywhere. */
const SHORTEST_FRAGMENT = 4;

/** The messages in the first column of the tables, of which a row may have several. */
const messages = [...readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8').matchAll(/^\| (`.+?`) \| /gm)].flatMap(
  ([, cell = '']) => [...cell.matchAll(/`(.+?)`/g)].map(([, message = '']) => message),
);
const fragmentsOf = (message: string) =>
  message
    .split('…')
    .map((fragment) => fragment.trim())
    .filter((fragment) => fragment.length >= SHORTEST_FRAGMENT);

function matches(message: string, line: string): boolean {
  const escaped = message.split('…').map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(escaped.join('.*')).test(line);
}

/** Sources as texts stand in them: literals that go on in another line put together, escapes undone. */
const sources = globSync('{lib,native}/**/*.{ts,c}', { cwd: ROOT, exclude: (path) => path.includes('native/build') })
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) =>
    readFileSync(join(ROOT, path), 'utf8')
      .replaceAll(/"\s*\n\s*"/g, '')
      .replaceAll("\\'", "'"),
  )
  .join('\n')
  .replaceAll(/\$\{[^}]*\}|%[a-zù.]*[dsu]/g, '…');

test('every message of the runbook is in the sources', () => {
  expect(messages.length).toBeGreaterThan(30);
  const invented = messages.flatMap((message) => {
    const missing = fragmentsOf(message).filter((fragment) => !sources.includes(fragment));
    return missing.map((fragment) => `${message}: ${fragment}`);
  });
  expect(invented).toEqual([]);
});

/** What reaches operators otherwise: its cause and cure stand with other words of the same message. */
const IN_THE_SAME_MESSAGE: Readonly<Record<string, string>> = {
  'check the network and the load of the HSM; timeouts.requestMs bounds the wait': '… did not answer in time',
  'set caFile of … to the PEM file of the authority that issued it': 'the certificate of … is not trusted: …',
  'check that it runs, DNS, firewall and the address in …': 'cannot reach …: …',
  'check the health of the HSM, and of the firewalls and proxies on the way': 'closed the connection again and again',
  'more comes than the HSM signs: see mhsm-p11 doctor for ConnectionCache.MaxConnections, let servers resume sessions, or add HSM capacity':
    'too many requests wait for … already',
  'raise ConnectionCache.MaxConnections, or the capacity of the HSM': 'no connection to … became free in time',
  'start it as a child of an admitted process, or list its user under agent.allowedUsers in …':
    'process … of user id … is not admitted to the agent',
  'module and agent come from different versions: restart the server after an upgrade':
    'the module of process … speaks protocol …, this agent …',
  'this is a defect of the agent: please report it with the agent log': 'unexpected failure in the agent: …',
  // Launcher's: it ends with it, and the module tells it.
  'cannot start …: …': 'the agent did not start: …',
  'cannot open …: …': 'the agent did not start: …',
  '… is longer than the … bytes that the path of a socket may have': 'the agent did not start: …',
  '… is there and not a socket': 'the agent did not start: …',
  'no random bytes for the ticket key': 'the agent did not start: …',
  // Reasons why a path is not trusted, in the middle of that message.
  '… belongs to user id …': 'user id … listens at …, and …: put the socket where only root and this user may …',
  'others may write in …': 'user id … listens at …, and …: put the socket where only root and this user may …',
  '… is a link of /proc': 'user id … listens at …, and …: put the socket where only root and this user may …',
  '… has no absolute path': 'user id … listens at …, and …: put the socket where only root and this user may …',
  '…: …': 'user id … listens at …, and …: put the socket where only root and this user may …',
};

const SAYS_WHAT_TO_DO = 'the message itself says what to do';
const SETTING = 'a setting that is refused at the first start, by its name';
const HOST = 'the machine is out of memory, descriptors or random bytes: not of this library';
const TOOL = 'of tools that make keys, on the terminal of who made the mistake';

const NEEDS_NONE: Readonly<Record<string, string>> = {
  '… (identity …)': 'is put behind another hint',
  'out of memory': HOST,
  'no random bytes, or out of memory': HOST,
  'out of memory, or a call above the limit of … bytes': HOST,
  'cannot make a socket: …': HOST,
  'cannot tell who listens: …': HOST,
  'the path of socket … is too long': SETTING,
  'the path of a socket in … is too long': SETTING,
  'the path of the configuration is too long': SETTING,
  'MHSM_PKCS11_SOCKET is longer than … bytes': SETTING,
  'MHSM_PKCS11_AGENT_USER is not a user id, which is a number': SETTING,
  'correct …, or let this user read the file': SAYS_WHAT_TO_DO,
  'correct the file at that place': SAYS_WHAT_TO_DO,
  'certificate … of slot … is left out, it is not DER of an X.509 certificate': SAYS_WHAT_TO_DO,
  "the agent's answer to … is not understood; are agent and module of one version?": SAYS_WHAT_TO_DO,
  'the agent announced an answer of … bytes': 'a defect of the agent, or another program at its socket',
  'directory …: …': SAYS_WHAT_TO_DO,
  '… is not a directory; remove it': SAYS_WHAT_TO_DO,
  'cannot make directory …: …': SAYS_WHAT_TO_DO,
  'directory … was removed again': 'a race of two starts; the next call makes it',
  'the module was finalized meanwhile': 'of programs that end',
  'a key has at most 15 tags; remove some that are not needed': TOOL,
  'recover or purge the deleted key of that name, or choose another name': TOOL,
  'wait until the key of that name is deleted, or choose another name': TOOL,
  'the name is taken or being deleted: choose another one': TOOL,
  'the answer did not come from a Managed HSM, or the key was changed under the same version': SAYS_WHAT_TO_DO,
  'check that the address in … is that of a Managed HSM': SAYS_WHAT_TO_DO,
  'this server is no Managed HSM; nothing was sent': SAYS_WHAT_TO_DO,
  'a Managed HSM continues on its own address: check baseUrl; nothing was sent there': SAYS_WHAT_TO_DO,
  'not a tenant: check tenantId': SAYS_WHAT_TO_DO,
};

/** Texts of C that the module, the launcher or syslog gets, and hints and warnings of the agent; `…` for what differs. */
function operatorTexts(): string[] {
  const literals = (pattern: string, ignore: RegExp, calls: RegExp) =>
    globSync(pattern, { cwd: ROOT, exclude: (path) => ignore.test(path) }).flatMap((path) =>
      [
        ...readFileSync(join(ROOT, path), 'utf8')
          .replaceAll(/"\s*\n\s*"/g, '')
          .matchAll(calls),
      ].map(({ groups }) =>
        (groups?.text ?? '').replaceAll(/\$\{[^}]*\}|%[-.#0-9]*[zl]?[a-z]/g, '…').replaceAll(/\\(.)/g, '$1'),
      ),
    );
  const c = /(?:failure_set\([^"();]*|\breport\(\s*)"(?<text>(?:[^"\\]|\\.)*)"/g;
  const ts =
    /(?:\bhint(?::| =)|\bwarn\(|\b#say\(|\bchangeKey\(|refuse\([^;]*?,\s*)\s*(?:\([^)]*\)\s*=>\s*)?(?:say\(|changeKey\()?(?<quote>['"`])(?<text>(?:(?!\k<quote>).)*)\k<quote>/gs;
  return [
    ...literals('native/{client,launcher,shim}/*.c', /^$/, c),
    ...literals('lib/{mhsm,agent,core,config,log}/**/*.ts', /\.test\.ts$|memory-hsm/, ts),
  ].filter((text) => /[a-z]{2}|…: …/.test(text));
}

function hasRow(text: string): boolean {
  const fragments = fragmentsOf(text);
  if (fragments.length === 0) return false;
  return messages.some((message) => matches(message, text) || fragments.every((part) => message.includes(part)));
}

describe('every message that reaches operators', () => {
  const texts = [...new Set(operatorTexts())];

  test('has its row, stands beside words that have one, or is known to need none', () => {
    expect(texts.length).toBeGreaterThan(80);
    const forgotten = texts.filter((text) => !hasRow(text) && !(text in IN_THE_SAME_MESSAGE) && !(text in NEEDS_NONE));
    expect(forgotten).toEqual([]);
  });

  test('of the lists here is still in the sources, and the row that it is led to in the runbook', () => {
    const listed = [...Object.keys(IN_THE_SAME_MESSAGE), ...Object.keys(NEEDS_NONE)];
    expect(listed.filter((text) => !texts.includes(text))).toEqual([]);
    expect(Object.values(IN_THE_SAME_MESSAGE).filter((row) => !messages.includes(row))).toEqual([]);
  });
});

describe('what really happens is in the runbook', () => {
  let folder: string;
  let offload: Offload;
  let key: CreatedKey;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-runbook-'));
    chmodSync(folder, 0o711);
    offload = await Offload.start(folder);
    await offload.grantReading();
    key = await offload.createKey('--EC', 'P-256', '--label', LABEL);
    await offload.grantUse(key);
  });

  afterAll(async () => {
    await offload?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a server's standard error holds after it started, had `trouble` and signed. */
  async function saidDuring(trouble: () => Promise<unknown>, pin = offload.pin): Promise<string> {
    const { configurationFile } = offload;
    const client = await SigningClient.start({ configurationFile, pin, label: LABEL });
    await trouble();
    await client.sign(1);
    await client.stop();
    return client.stderr;
  }

  const saidAtStart = (options: Partial<Parameters<typeof SigningClient.start>[0]>) =>
    SigningClient.start({
      configurationFile: offload.configurationFile,
      pin: offload.pin,
      label: LABEL,
      ...options,
    }).then(
      () => '',
      (error: Error) => error.message,
    );

  function expectRow(said: string, start: string): void {
    const row = messages.find((message) => message.startsWith(start)) ?? `no row ${start}`;
    expect(
      said.split('\n').some((line) => matches(row, line)),
      `${row}\n${said}`,
    ).toBe(true);
  }

  test('a wrong secret', async () => {
    const pin = `${offload.mock.offload.clientId}:not-the-secret-of-it`;
    noteSecret('a wrong secret of the runbook', 'not-the-secret-of-it');
    expectRow(await saidAtStart({ pin }), 'the client secret is wrong');
  });

  test('a user who is not admitted', async (context) => {
    if (process.getuid?.() !== 0) context.skip('other users take root');
    const { configurationFile, pin } = offload;
    const client = await SigningClient.start({ configurationFile, pin, label: LABEL });
    const said = await saidAtStart({ uid: 54_321 });
    await client.stop();
    expectRow(said, 'process … of user id');
  });

  test.each([
    ['no configuration', undefined, 'cannot read the configuration … there is'],
    ['a wrong configuration', '{"tokens": [{"slotid": "one", "resourceName": "x"}]}', '… expected …'],
  ])('%s', async (_what, text, row) => {
    const configurationFile = join(folder, `${row.length}.conf`);
    if (text !== undefined) writeFileSync(configurationFile, text);
    expectRow(await saidAtStart({ configurationFile }), row);
  });

  test.each([
    ['a role that is missing', { status: 403, times: 9 }, 'mhsm-p11 roles'],
    ['an HSM that throttles on and on', { status: 429, times: 9 }, 'the HSM throttles requests'],
  ])('%s', async (_what, fault, row) => {
    const said = await saidDuring(() => offload.mock.control('POST', 'faults', { operation: 'sign', ...fault }));
    await offload.mock.control('DELETE', 'faults');
    expectRow(said, row);
  });

  test('a key that is disabled', async () => {
    const enable = (enabled: boolean) =>
      offload.mock.asKeyGeneration('PATCH', `/keys/${key.name}`, { attributes: { enabled } });
    const said = await saidDuring(() => enable(false));
    await enable(true);
    expectRow(said, 'az keyvault key set-attributes');
  });

  test('an HSM that is away', async () => {
    const said = await saidDuring(() => offload.mock.control('POST', 'outage', { forMs: 500, cut: true }));
    expectRow(said, 'cannot reach');
  });
});
