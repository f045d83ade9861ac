import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustRun } from '../../demo/process.ts';

const ROOT = join(import.meta.dirname, '../..');

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-install-'));
  for (const name of ['lib', 'bin']) mkdirSync(join(folder, name));
  const commands =
    /^ {3}```\n( {3}ln -s[\s\S]*?) {3}```$/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  const script = commands.replaceAll('/usr/lib/', `${folder}/lib/`).replaceAll('/usr/local/bin', `${folder}/bin`);
  await mustRun('sh', ['-euc', script], { cwd: ROOT });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = () => ({
  PATH: `${folder}/bin:/usr/bin:/bin`,
  MHSM_PKCS11_CONF: join(ROOT, 'examples/mhsm-pkcs11.conf'),
});

test.each(['mhsm_p11_create_key', 'mhsm_p11_list_keys', 'mhsm_p11_validate_config_file', 'mhsm-p11'])(
  'after the commands of the README %s is on the PATH',
  async (program) => {
    expect((await mustRun(program, ['--version'], { env: environment() })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  },
);

test('the module in /usr/lib finds its launcher in the checkout', async () => {
  const module = join(folder, 'lib/libmhsm-pkcs11.so');
  const { stdout } = await mustRun('pkcs11-tool', ['--module', module, '-L'], { env: environment() });
  expect(stdout).toMatch(/token label +: myhsm/);
});
