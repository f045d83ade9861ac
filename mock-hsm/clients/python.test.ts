import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Stage } from './stage.ts';
import { ways } from './ways.ts';

// Foreign programs start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const python = join(import.meta.dirname, '../../build/clients/python/bin/python');

describe.each(ways)('the Azure SDK for Python $way', ({ port, settings }) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(port);
  });

  afterAll(() => stage.close());

  test.each([
    ['keys', 'MHSM'],
    ['cryptography_client', 'MHSM'],
    ['access_control', 'MHSM_ADMIN'],
    ['administration', 'MHSM_ADMIN'],
  ])('every test of %s passes as %s', async (program, principal) => {
    const { exitCode, stderr } = await stage.run(python, ['-m', 'unittest', '--verbose', program], {
      ...settings,
      ...stage.credentials(principal),
      PYTHONPATH: join(import.meta.dirname, 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
      REQUESTS_CA_BUNDLE: stage.caFile,
    });
    expect(stderr).not.toMatch(/^(ERROR|FAIL): .*$/m);
    expect(stderr).toMatch(/^Ran [1-9]\d* tests/m);
    expect(exitCode).toBe(0);
  });
});
