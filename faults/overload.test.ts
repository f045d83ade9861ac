import { afterAll, beforeAll, expect, test } from 'vitest';
import { overload, PLANS } from './overload.ts';
import { violationsOf } from './overload-figures.ts';
import { OverloadSite } from './overload-site.ts';

let site: OverloadSite;

beforeAll(async () => {
  site = await OverloadSite.start(PLANS.short);
});

afterAll(() => site?.stop());

test('more signatures than the HSM makes: the queue has a bound, the others are refused and told once a second', async () => {
  const found = await overload(site, PLANS.short.capacity);
  expect(violationsOf(found), JSON.stringify(found, null, 1)).toEqual([]);
});
