/** The library's way to the HSM beside the shortest one. */
import type { KeyType, Point } from '../result.ts';
import { alternate, ratioOf, sidesOf } from './alternate.ts';
import { atLeast, atMost, type Check } from './target.ts';

const KEYS: readonly KeyType[] = ['P-256', 'RSA-2048'];

const signsOf = (keyType: KeyType, workers: number, latencyMs: number): Omit<Point, 'signer'> => ({
  load: 'signs',
  keyType,
  workers,
  maxConnections: 20,
  hsm: { latencyMs },
});

/** Signatures a second by 20 threads, beside 20 requests at a time by undici. */
export const signsBesideRest: Check = async (scene) => {
  const targets = [];
  for (const [latencyMs, least] of [
    [5, 0.9],
    [0, 0.6],
  ] as const) {
    for (const keyType of KEYS) {
      const point = signsOf(keyType, 20, latencyMs);
      const turns = await alternate(scene, { ...point, signer: 'library' }, { ...point, signer: 'bare-rest' });
      const rate = ratioOf(turns, ({ perSecond }) => perSecond);
      const from = sidesOf(turns, ({ perSecond }) => perSecond, '/s');
      const name = `signs/s through the .so, of bare REST: MaxConnections 20, ${latencyMs} ms, ${keyType}`;
      targets.push(atLeast(name, rate, least, from));
    }
  }
  return targets;
};

/** How long one waits for one signature when nobody else wants any. */
export const signLatency: Check = async (scene) => {
  const targets = [];
  for (const keyType of KEYS) {
    const point = signsOf(keyType, 1, 0);
    const turns = await alternate(scene, { ...point, signer: 'library' }, { ...point, signer: 'bare-rest' });
    const ratio = ratioOf(turns, ({ latencyMs }) => latencyMs.p50);
    const from = sidesOf(turns, ({ latencyMs }) => latencyMs.p50, 'ms');
    targets.push(
      atMost(`median C_SignInit and C_Sign, of bare REST: one at a time, 0 ms, ${keyType}`, ratio, 1.35, from),
    );
  }
  return targets;
};

/** What keeping connections is worth. */
export const connectionCache: Check = async (scene) => {
  const point = signsOf('P-256', 20, 0);
  const turns = await alternate(scene, { ...point, signer: 'library' }, { ...point, signer: 'library-uncached' });
  const ratio = ratioOf(turns, ({ perSecond }) => perSecond);
  const from = sidesOf(turns, ({ perSecond }) => perSecond, '/s');
  return [atLeast('signs/s with ConnectionCache, of the same with Disable: MaxConnections 20, 0 ms', ratio, 4, from)];
};
