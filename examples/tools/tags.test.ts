// The tags of keys, shown and repaired: damaged by hand, made elsewhere, and with tags of somebody else.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, type CreatedKey, Offload } from '../../demo/offload.ts';
import { runProgram } from '../../demo/process.ts';

let folder: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-tags-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tool = (...args: string[]) => runProgram(join(BIN, 'mhsm-p11'), args, { env: offload.toolEnvironment });

async function listed(): Promise<Record<string, unknown>[]> {
  const { stdout } = await runProgram(join(BIN, 'mhsm_p11_list_keys'), ['--json'], { env: offload.toolEnvironment });
  return JSON.parse(stdout) as Record<string, unknown>[];
}

async function send(method: 'PATCH' | 'POST', path: string, token: string, body: object): Promise<void> {
  const { mock } = offload;
  const dispatcher = new Agent({ connect: { ca: readFileSync(mock.caFile, 'utf8') } });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const options = { method, headers, body: JSON.stringify(body), dispatcher };
  const answer = await request(`${mock.url}${path}?api-version=7.4`, options);
  expect({ status: answer.statusCode, answer: await answer.body.text() }).toMatchObject({ status: 200 });
  await dispatcher.close();
}

/** Sets tags as somebody does who knows nothing of the library. */
async function setTags({ name, id }: CreatedKey, tags: Record<string, string>): Promise<void> {
  const { mock } = offload;
  const token = await mock.token(mock.keyGeneration.clientId, mock.keyGeneration.clientSecret);
  await send('PATCH', `/keys/${name}/${id.split('/').at(-1)}`, token, { tags });
}

test('a damaged key is shown with what is wrong, and listed again after the repair', async () => {
  const key = await offload.createKey('--EC', 'P-256', '--label', 'shop', '--id', '0a0b');
  await setTags(key, {
    p11_pri_CKA_KEY_TYPE: 'cheese',
    p11_pri_CKA_LABEL: 'shop',
    p11_pri_CKA_ID: '0a0b',
    team: 'web\u001b[31m',
  });
  expect(await listed()).not.toContainEqual(expect.objectContaining({ name: key.name }));
  const shown = await tool('tags', 'show', '--label', 'shop');
  expect(shown.status).toBe(0);
  expect(shown.stdout).toContain(key.id);
  expect(shown.stdout).toMatch(/p11_pri_CKA_KEY_TYPE.*cheese.*DAMAGED: expected RSA or EC/);
  expect(shown.stdout).toContain('web\\x1b[31m');
  const dry = await tool('tags', 'repair');
  expect(dry.stdout).toContain(
    `- ${key.name}: p11_pri_CKA_KEY_TYPE = cheese\n+ ${key.name}: p11_pri_CKA_KEY_TYPE = EC\n`,
  );
  expect(dry.stdout).toMatch(/Nothing was written: say --yes to do it\.\n$/);
  expect(dry.stdout).not.toContain('team');
  expect((await tool('tags', 'repair', '--yes')).stdout).toMatch(/1 key\(s\) repaired\.\n$/);
  expect(await listed()).toContainEqual(expect.objectContaining({ name: key.name, label: 'shop', id: '0a0b' }));
  const again = await tool('tags', 'show', '--name', key.name, '--json');
  const [{ tags }] = JSON.parse(again.stdout) as [{ tags: { tag: string; state: string }[] }];
  expect(tags.filter(({ state }) => state !== 'good')).toEqual([
    expect.objectContaining({ tag: 'team', state: 'foreign' }),
  ]);
  expect((await tool('tags', 'repair', '--yes')).stdout).toBe('Nothing to repair.\n');
});

test('a key made elsewhere gets label and id', async () => {
  const key = await offload.createKey('--RSA', '2K', '--label', 'x', '--name', 'made-elsewhere');
  await setTags(key, { owner: 'somebody' });
  expect(await listed()).toContainEqual(expect.objectContaining({ label: 'made-elsewhere', madeBy: 'other' }));
  const named = ['tags', 'repair', '--name', 'made-elsewhere', '--new-label', 'mail', '--new-id', 'c0de', '--yes'];
  expect((await tool(...named)).status).toBe(0);
  expect(await listed()).toContainEqual(
    expect.objectContaining({ name: 'made-elsewhere', label: 'mail', id: 'c0de', madeBy: 'library', sign: true }),
  );
  const { stdout } = await tool('tags', 'show', '--id', 'c0de');
  expect(stdout).toMatch(/owner.*somebody.*not the library’s/);
});

test('a symmetric key, which PKCS#11 does not show, is left alone', async () => {
  const { mock } = offload;
  const token = await mock.token(mock.keyGeneration.clientId, mock.keyGeneration.clientSecret);
  await send('POST', '/keys/wrapping/create', token, { kty: 'oct-HSM', key_size: 256 });
  const { status, stderr } = await tool('tags', 'repair', '--name', 'wrapping', '--yes');
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining('key wrapping is no RSA or EC key'),
  });
});

test('a label or id that two keys would get is given to none', async () => {
  for (const name of ['twin-a', 'twin-b']) await offload.createKey('--EC', 'P-256', '--label', 'twin', '--name', name);
  const { status, stderr } = await tool('tags', 'repair', '--label', 'twin', '--new-id', '01', '--yes');
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('these fit: twin-a, twin-b') });
  expect((await listed()).filter(({ id }) => id === '01')).toEqual([]);
});

test('a key without room for tags is told, and keeps no other from its repair', async () => {
  for (const name of ['room-a', 'room-b']) {
    const key = await offload.createKey('--EC', 'P-256', '--label', 'room', '--name', name);
    const others = name === 'room-a' ? Array.from({ length: 14 }, (_, i) => [`other${i}`, '']) : [];
    await setTags(key, { p11_pri_CKA_KEY_TYPE: 'cheese', ...Object.fromEntries(others) });
  }
  const { status, stdout, stderr } = await tool('tags', 'repair', '--yes');
  expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringMatching(/room-b[\s\S]*1 key\(s\) repaired/) });
  expect(stderr).toContain('key room-a has no room for the library’s tags');
});

test('what does not fit is refused', async () => {
  expect(await tool('tags', 'show', '--label', 'nobody')).toMatchObject({ status: 1, stdout: '' });
  expect(await tool('tags', 'repair', '--new-label', 'x')).toMatchObject({ status: 2, stdout: '' });
  const long = await tool('tags', 'repair', '--name', 'made-elsewhere', '--new-label', 'x'.repeat(257));
  expect(long).toMatchObject({ status: 2, stderr: expect.stringContaining('--new-label does not fit into a tag') });
  expect((await tool('tags')).status).toBe(2);
});
