import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mustRun } from '../demo/process.ts';
import { LoadProgram } from './load-program.ts';
import { makeKeyFiles } from './subjects/key-files.ts';
import { SOFTHSM_MODULE, SoftHsmToken } from './subjects/softhsm-token.ts';
import type { LoadReport } from './subjects/subject.ts';

/** The discard service: nothing listens there. */
const SILENT_PORT = '9';

beforeAll(async () => {
  await mustRun('sh', ['scripts/debian-packages', 'libssl-dev'], { timeoutMs: 120_000 });
  await mustRun('make', ['-s', '-C', 'native', 'bench'], { timeoutMs: 120_000 });
});

test('a lane that a busy machine lets begin too late still does one operation, and counts', async () => {
  const program = await LoadProgram.start('handshakes', [SILENT_PORT, '4']);
  try {
    const report = await program.run(0);
    expect(report).toMatchObject({ perSecond: 0, failures: 4, failure: 'connect: Connection refused' });
  } finally {
    await program.stop();
  }
});

test('a load ends at its limit, which its lanes share, however much time is left', async () => {
  const program = await LoadProgram.start('handshakes', [SILENT_PORT, '4']);
  try {
    expect(await program.run(20_000, 10)).toMatchObject({ count: 0, failures: 10 });
    expect(await program.run(20_000, 2)).toMatchObject({ perSecond: 0, failures: 2 });
  } finally {
    await program.stop();
  }
});

describe('two keys of one label', () => {
  let folder: string;
  let token: SoftHsmToken;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bench-twins-'));
    token = await SoftHsmToken.initialize(folder);
    const key = await makeKeyFiles(folder, 'P-256');
    await token.add(key);
    await token.add(key);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const signs = (...id: readonly string[]) =>
    LoadProgram.start('signs', [SOFTHSM_MODULE, token.label, 'p-256', 'ecdsa', '32', '1', ...id], {
      env: token.environment,
      firstLine: token.pin,
    });

  test('are not chosen between', async () => {
    await expect(signs()).rejects.toThrow('more than one private key is called p-256');
  });

  test('differ by their CKA_ID', async () => {
    const program = await signs('02');
    try {
      expect(await program.run(0)).toMatchObject({ count: 1, failures: 0 });
    } finally {
      await program.stop();
    }
    await expect(signs('03')).rejects.toThrow('no private key is called p-256 with id 03');
    await expect(signs('0g')).rejects.toThrow('ID must be hexadecimal, not 0g');
  });
});

test('of two operations p50 is the faster and p99 the slower one', async () => {
  const program = await LoadProgram.start('handshakes', [SILENT_PORT, '2']);
  try {
    const apart: boolean[] = [];
    // Both may take the same time once, but not always.
    for (let run = 0; run < 20; run++) {
      const { failureMs } = (await program.run(0)) as LoadReport & { failureMs: LoadReport['latencyMs'] };
      apart.push(failureMs.p50 < failureMs.p99);
    }
    expect(apart).toContain(true);
  } finally {
    await program.stop();
  }
});
