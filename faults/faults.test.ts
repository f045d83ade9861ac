import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULTS } from './faults.ts';
import { Scene } from './scene.ts';
import { strike } from './strike.ts';
import { ALLOWANCES } from './verdict.ts';

/** Few, so that the tests beside this one have their share of the processor. */
const RATE = 40;

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start({ deadlineMs: ALLOWANCES.short.deadlineMs, ratePerSecond: RATE });
});

afterAll(() => scene?.stop());

test.for(FAULTS.map((fault) => [fault.name, fault] as const))('%s: within its bound', async ([, fault], { skip }) => {
  const { skipped, violations, ...seen } = await strike(fault, scene, 'short');
  skip(skipped !== undefined, skipped);
  expect(violations, JSON.stringify(seen)).toEqual([]);
});
