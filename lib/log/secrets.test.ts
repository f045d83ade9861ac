import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secrets } from './secrets.ts';

const secret = fc.string({ unit: 'binary', minLength: 6, maxLength: 40 });

/** How a secret gets into a text. */
const spellings: readonly ((secret: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify(text),
  (text) => new URLSearchParams({ client_secret: text }).toString(),
  (text) => encodeURIComponent(text.toWellFormed()),
  (text) => Buffer.from(text).toString('hex'),
  (text) => Buffer.from(text).toString('base64'),
  (text) => `Bearer ${Buffer.from(text).toString('base64url')}`,
];

describe('whatever text is logged', () => {
  test('secrets given to the process never appear in it, in any spelling', () => {
    const piece = fc.record({
      before: fc.string(),
      which: fc.nat(),
      how: fc.constantFrom(...spellings),
      after: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.array(piece), (given, pieces) => {
        const secrets = new Secrets();
        for (const one of given) secrets.learn(one, 'accepted');
        const spelled = ({ which, how }: { which: number; how: (text: string) => string }) =>
          how(given[which % given.length] ?? '');
        const text = pieces.map((one) => `${one.before}${spelled(one)}${one.after}`).join('');
        const shown = secrets.redact(text);
        for (const one of given) for (const spell of spellings) expect(shown).not.toContain(spell(one));
      }),
    );
  });

  test('a text without secrets stays as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const secrets = new Secrets();
        secrets.learn('a secret that no text of this test holds', 'accepted');
        expect(secrets.redact(text)).toBe(text);
      }),
    );
  });

  test('secrets that overlap are cut as one', () => {
    const secrets = new Secrets();
    secrets.learn('abcdefgh', 'accepted');
    secrets.learn('efghijkl', 'token');
    expect(secrets.redact('<abcdefghijkl>')).toBe('<[cut]>');
  });
});

test('of a PIN, the whole and the client secret alone are secret, and the client id is not', () => {
  const secrets = new Secrets();
  secrets.learnPin(Buffer.from('client-1:p:w~rd-of-it\n'));
  expect(secrets.redact('client-1 gave p:w~rd-of-it')).toBe('client-1 gave [cut]');
  expect(secrets.redact('client-1:p:w~rd-of-it')).toBe('[cut]');
});

test('a secret below 6 characters is not looked for: lines would not be readable', () => {
  const secrets = new Secrets();
  secrets.learn('a', 'accepted');
  expect(secrets.redact('available')).toBe('available');
});

describe('a flood', () => {
  const FLOOD = 5000;
  const CLIENT = 'client-1:p:w~rd-of-it';

  test('of wrong PINs pushes no secret out that an authority took, and fills no memory', () => {
    const secrets = new Secrets();
    secrets.learnPin(Buffer.from(CLIENT));
    secrets.learn('p:w~rd-of-it', 'accepted');
    for (let i = 0; i < FLOOD; i++) secrets.learnPin(Buffer.from(`client-${i}:wrong-secret-${i}`));
    expect(secrets.redact(CLIENT)).toBe('client-1:[cut]');
    expect(secrets.size).toBeLessThan(1000);
    expect(secrets.redact(`wrong-secret-${FLOOD - 1}`)).toBe('[cut]');
  });

  test('of tokens, as a year brings, pushes out no client secret and no PIN', () => {
    const secrets = new Secrets();
    secrets.learnPin(Buffer.from(CLIENT));
    secrets.learn('p:w~rd-of-it', 'accepted');
    for (let i = 0; i < FLOOD; i++) secrets.learn(`token-number-${i}`, 'token');
    expect(secrets.redact(CLIENT)).toBe('[cut]');
    expect(secrets.redact(`token-number-${FLOOD - 1}`)).toBe('[cut]');
  });

  test('leaves those that are still given', () => {
    const secrets = new Secrets();
    for (let i = 0; i < FLOOD; i++) {
      secrets.learnPin(Buffer.from(CLIENT));
      secrets.learnPin(Buffer.from(`client-${i}:wrong-secret-${i}`));
    }
    expect(secrets.redact(CLIENT)).toBe('[cut]');
  });
});
