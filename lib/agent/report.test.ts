import { expect, test } from 'vitest';
import { createMute } from './report.ts';

test('a line is said once a second, and 256 different ones at most', () => {
  let nowMs = 0;
  const isMuted = createMute(() => nowMs);
  const said = () => Array.from({ length: 300 }, (_, i) => isMuted(`line ${i}`)).filter((muted) => !muted).length;
  expect([said(), said()]).toEqual([256, 0]);
  nowMs = 999;
  expect(said()).toBe(0);
  nowMs = 1000;
  expect([said(), said()]).toEqual([256, 0]);
});
