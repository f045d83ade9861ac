import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Stage } from './stage.ts';
import { ways } from './ways.ts';

// Foreign programs start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

describe.each(ways)('@azure/keyvault-keys $way', ({ port, settings }) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(port);
  });

  afterAll(() => stage.close());

  test.each(['key-client', 'cryptography-client'])('every test of %s passes', async (program) => {
    const file = join(import.meta.dirname, 'javascript', `${program}.ts`);
    const { exitCode, stdout } = await stage.run(process.execPath, ['--test', '--test-reporter=tap', file], {
      ...settings,
      ...stage.credentials('MHSM'),
      NODE_EXTRA_CA_CERTS: stage.caFile,
    });
    expect(stdout).not.toMatch(/^ *not ok .*$/m);
    expect(stdout).toMatch(/^# pass [1-9]/m);
    expect(exitCode).toBe(0);
  });
});
