import { expect, test } from 'vitest';
import { objectIdOf, TokenSource } from './token-source.ts';

const HOUR = 3_600_000;

function source(answers: readonly (number | Error)[]) {
  const clock = { ms: 0, fetches: 0 };
  const tokens = new TokenSource(
    async () => {
      const answer = answers[clock.fetches++];
      if (typeof answer !== 'number') throw answer ?? new Error('asked too often');
      return { token: `token ${clock.fetches}`, expiresOnTimestamp: answer };
    },
    () => clock.ms,
  );
  return { clock, tokens };
}

const settled = () => new Promise(setImmediate);

test('many who ask at once share one fetch', async () => {
  const { clock, tokens } = source([HOUR]);
  expect(await Promise.all([tokens.get(), tokens.get(), tokens.get()])).toEqual(['token 1', 'token 1', 'token 1']);
  expect(clock.fetches).toBe(1);
});

test('the next token is fetched ahead while the old one serves', async () => {
  const { clock, tokens } = source([HOUR, 2 * HOUR]);
  await tokens.get();
  clock.ms = HOUR - 11 * 60_000;
  expect(tokens.current()).toBe('token 1');
  await settled();
  expect(clock.fetches).toBe(1);
  clock.ms = HOUR - 9 * 60_000;
  expect(tokens.current()).toBe('token 1');
  await settled();
  expect(tokens.current()).toBe('token 2');
  expect(clock.fetches).toBe(2);
});

test('a failed refresh keeps the old token and is tried again later, not at once', async () => {
  const { clock, tokens } = source([HOUR, new Error('away'), 2 * HOUR]);
  await tokens.get();
  clock.ms = HOUR - 5 * 60_000;
  tokens.current();
  await settled();
  expect(tokens.current()).toBe('token 1');
  await settled();
  expect(clock.fetches).toBe(2);
  clock.ms += 16_000;
  tokens.current();
  await settled();
  expect(tokens.current()).toBe('token 2'.replace('2', '3'));
});

test('an expired token is waited for, and its failure is told', async () => {
  const { clock, tokens } = source([HOUR, new Error('away')]);
  await tokens.get();
  clock.ms = HOUR;
  expect(tokens.current()).toBeUndefined();
  await expect(tokens.get()).rejects.toThrow('away');
});

test('a failure is told again for a second, then the token is asked for again', async () => {
  const { clock, tokens } = source([new Error('away'), HOUR]);
  await expect(tokens.get()).rejects.toThrow('away');
  clock.ms = 999;
  await expect(tokens.get()).rejects.toThrow('away');
  expect(clock.fetches).toBe(1);
  clock.ms = 1000;
  expect(await tokens.get()).toBe('token 2');
});

test('who signs is told a failure of a moment ago at once, and the next token comes behind its back', async () => {
  const { clock, tokens } = source([new Error('away'), HOUR]);
  await expect(tokens.soon()).rejects.toThrow('away');
  clock.ms = 1000;
  await expect(tokens.soon()).rejects.toThrow('away');
  await settled();
  expect(await tokens.soon()).toBe('token 2');
  expect(clock.fetches).toBe(2);
});

test('a failure of long ago is no reason to refuse who signs', async () => {
  const { clock, tokens } = source([new Error('away'), HOUR]);
  await expect(tokens.soon()).rejects.toThrow('away');
  clock.ms = 7000;
  expect(await tokens.soon()).toBe('token 2');
});

test('a token that the service refused is not used again', async () => {
  const { tokens } = source([HOUR, 2 * HOUR]);
  tokens.discard(await tokens.get());
  expect(tokens.current()).toBeUndefined();
  expect(await tokens.get()).toBe('token 2');
});

test('the object id is read from a JWT and from nothing else', () => {
  const claims = Buffer.from(JSON.stringify({ oid: 'o-1' })).toString('base64url');
  expect(objectIdOf(`h.${claims}.s`)).toBe('o-1');
  expect(objectIdOf('opaque')).toBeUndefined();
  expect(objectIdOf('')).toBeUndefined();
});
