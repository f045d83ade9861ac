import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestLog } from './request-log.ts';

const entry = { time: '', operation: 'sign', method: 'POST', path: '/', status: 200, durationMs: 1, connection: 1 };

test('the log keeps the last entries, oldest first, numbered without gaps', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(60), fc.nat(70), (capacity, count, after) => {
      const log = new RequestLog(capacity);
      for (let i = 0; i < count; i += 1) log.add(entry);
      const kept = Array.from({ length: count }, (_, i) => i + 1).slice(-capacity);
      expect(log.after(after).map(({ sequence }) => sequence)).toEqual(kept.filter((each) => each > after));
    }),
  );
});
