import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage } from './stage.ts';

const ways = [
  { way: 'without any option, at the names of Azure', port: 443, settings: {} },
  {
    way: 'with a port of its own',
    port: 8443,
    settings: { POOL_URL: 'https://mypool.hsm.test:8443', AZURE_AUTHORITY_HOST: 'https://localhost:8443' },
  },
];

describe.each(ways)('@azure/keyvault-keys $way', ({ port, settings }) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(port);
    await stage.grantAllOnKeys();
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
