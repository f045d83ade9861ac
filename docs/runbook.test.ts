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

/** The messages in the first column of the tables. */
const messages = [...readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8').matchAll(/^\| `(.+?)` \|/gm)].map(
  ([, message = '']) => message,
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
