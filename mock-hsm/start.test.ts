import { expect, test } from 'vitest';
import { startMockHsm } from './start.ts';

test('a mock that is closed twice, also at the same time, ends once', async () => {
  const hsm = await startMockHsm();
  await Promise.all([hsm.close(), hsm.close()]);
  await hsm.close();
  await expect(fetch(`${hsm.url}/mock/clock`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});
