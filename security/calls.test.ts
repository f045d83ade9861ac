import { expect, test } from 'vitest';
import { CALLS } from '../lib/wire/schema.ts';

/** A worker that was broken into may send any call: what matters is what calls there are. */
test('no call of the module brings a secret or takes an address', () => {
  const answers = Object.values(CALLS).flatMap(({ response }) => Object.keys(response));
  expect(answers.filter((field) => /pin$|secret|token$|password|credential/i.test(field))).toEqual([]);
  // To the one who is let in, of its own.
  expect(Object.entries(CALLS).flatMap(([call, { response }]) => ('ticket' in response ? [call] : []))).toEqual([
    'hello',
  ]);
  const requests = Object.values(CALLS).flatMap(({ request }) => Object.keys(request));
  expect(requests.filter((field) => /url|uri|host|address|path|file|authority|tenant/i.test(field))).toEqual([]);
});
