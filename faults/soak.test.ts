import { afterAll, beforeAll, expect, test } from 'vitest';
import { Scene } from './scene.ts';
import { soak } from './soaking.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start({ deadlineMs: 10_000, ratePerSecond: 40 });
});

afterAll(() => scene?.stop());

test('under changing load and reloads nothing that the product holds grows, and no handshake fails', async () => {
  const { changes, gain, agents, failed, reasons } = await soak(scene, {
    minutes: 2,
    ratePerSecond: 40,
    periodMs: 6000,
  });
  expect(failed, reasons.join('; ')).toBe(0);
  expect(changes.filter(({ grew }) => grew)).toEqual([]);
  expect(gain).toMatchObject({ grew: false });
  expect(agents).toHaveLength(1);
}, 300_000);
