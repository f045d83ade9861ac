import { expect, test } from 'vitest';
import { LoadProgram } from './load-program.ts';

/** The discard service: nothing listens there. */
const SILENT_PORT = '9';

test('a lane that a busy machine lets begin too late still does one operation, and counts', async () => {
  const program = await LoadProgram.start('handshakes', [SILENT_PORT, '4']);
  try {
    const report = await program.run(0);
    expect(report).toMatchObject({ perSecond: 0, failures: 4, failure: 'connect: Connection refused' });
  } finally {
    await program.stop();
  }
});
