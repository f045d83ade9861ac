import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Offload } from '../../demo/offload.ts';
import { mustRun, waitFor } from '../../demo/process.ts';
import { SigningClient } from '../../demo/signing-client.ts';

const ROTATIONS = 5;
const LABEL = 'web';

let folder: string;
let logs: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-logrotate-'));
  chmodSync(folder, 0o711);
  logs = join(folder, 'logs');
  const log = { directory: logs, module: { P11Interfaces: true }, flags: { SendToFile: true } };
  offload = await Offload.start(folder, { top: { log } });
  await offload.grantReading();
  await offload.grantUse(await offload.createKey('--EC', 'P-256', '--label', LABEL));
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The example with the folders of this test, as the user whom there is. */
function example(): string {
  const text = readFileSync(join(import.meta.dirname, 'mhsm-pkcs11'), 'utf8');
  expect(text).toContain('su mhsm-pkcs11 mhsm-pkcs11');
  const file = join(folder, 'logrotate.conf');
  const adapted = text.replace('su mhsm-pkcs11 mhsm-pkcs11', 'su root root').replaceAll('/var/log/mhsm-pkcs11', logs);
  writeFileSync(file, adapted, { mode: 0o644 });
  return file;
}

function linesOf(name: string): string[] {
  const bytes = readFileSync(join(logs, name));
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split('\n').slice(0, -1);
}

test.skipIf(getuid?.() !== 0)(
  'logrotate, run as root as cron does, loses no line of an agent that writes',
  async () => {
    const { configurationFile, pin } = offload;
    const client = await SigningClient.start({ configurationFile, pin, label: LABEL });
    const { made, failures } = await client.signDuring(async () => {
      for (let i = 0; i < ROTATIONS; i++) {
        await waitFor('a line', () => (readdirSync(logs).some((name) => name.endsWith('.log')) ? true : undefined));
        await mustRun('logrotate', ['--force', '--state', join(folder, 'state'), example()]);
      }
    });
    expect(failures).toEqual([]);
    const { made: last } = await client.sign(1);
    await client.stop();
    const names = readdirSync(logs);
    expect(names.filter((name) => name.endsWith('.gz')).length).toBeGreaterThan(1);
    const lines = names.flatMap(linesOf).map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(lines.filter((line) => line.startsWith('C_Sign ')).length).toBe(made + last);
    expect(lines.filter((line) => /^mhsm-pkcs11 \d+\.\d+\.\d+, configuration/.test(line)).length).toBeGreaterThan(
      ROTATIONS,
    );
  },
);
