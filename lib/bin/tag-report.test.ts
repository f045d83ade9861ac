import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyVersion, Tags } from '../core/hsm.ts';
import { decodeTags } from '../tags/codec.ts';
import { ofText } from '../tags/values.ts';
import { changesBetween, repairedTags, tagLines } from './tag-report.ts';

const DAY = 86_400;

function keyWith(tags: Tags, changes: Partial<KeyVersion> = {}): KeyVersion {
  return {
    name: 'web',
    version: '0'.repeat(32),
    kid: `https://x/keys/web/${'0'.repeat(32)}`,
    created: 1,
    updated: 1,
    enabled: true,
    notBefore: undefined,
    expires: undefined,
    operations: ['sign', 'verify'],
    publicKey: { kty: 'EC', curve: 'P-256', x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(2) },
    tags,
    ...changes,
  };
}

const good = {
  p11_pri_CKA_KEY_TYPE: 'EC',
  p11_pri_CKA_LABEL: 'a',
  p11_pub_CKA_LABEL: 'b',
  p11_pri_CKA_ID: '01',
  p11_pub_CKA_ID: '01',
};

const stateOf = (version: KeyVersion, tag: string) => tagLines(version).find((line) => line.tag === tag);

describe('what is said of a tag', () => {
  test('one that reads and agrees with the key is good', () => {
    expect(tagLines(keyWith(good)).map(({ state }) => state)).toEqual(Array(5).fill('good'));
  });

  test('one that cannot be read is damaged, with what it should be', () => {
    expect(stateOf(keyWith({ ...good, p11_pri_CKA_SIGN: 'perhaps' }), 'p11_pri_CKA_SIGN')).toMatchObject({
      state: 'damaged',
      attribute: 'CKA_SIGN',
      object: 'private',
      expected: 'true or false',
    });
  });

  test('one that another spelling overrules is told from the one that counts', () => {
    const version = keyWith({ ...good, p11_pri_label: 'other' });
    expect(stateOf(version, 'p11_pri_label')).toMatchObject({ state: 'overruled', expected: 'a' });
  });

  test('one that contradicts the key is stale', () => {
    const version = keyWith({ ...good, p11_pri_CKA_SIGN: 'false', p11_pri_CKA_END_DATE: '20300101' });
    expect(stateOf(version, 'p11_pri_CKA_SIGN')).toMatchObject({ state: 'stale', expected: 'true' });
    expect(stateOf(version, 'p11_pri_CKA_END_DATE')).toMatchObject({ state: 'stale', expected: undefined });
  });

  test('others are left alone', () => {
    const version = keyWith({ ...good, team: 'web', p11_pri_CKA_FANCY: '1' });
    expect(stateOf(version, 'team')?.state).toBe('foreign');
    expect(stateOf(version, 'p11_pri_CKA_FANCY')?.state).toBe('unknown');
  });
});

describe('a repair', () => {
  test('keeps what can be read, takes the rest from the key, and keeps the tags of others', () => {
    const damaged = { ...good, team: 'web', p11_pri_CKA_KEY_TYPE: 'cheese', p11_pri_CKA_ID: '?', p11_pri_CKA_SIGN: '' };
    const version = keyWith(damaged, { operations: ['verify'], expires: 365 * DAY });
    expect(repairedTags(version)).toEqual({
      ...good,
      team: 'web',
      p11_pri_CKA_SIGN: 'false',
      p11_pri_CKA_END_DATE: '19710101',
    });
  });

  test('gives a key made elsewhere label and id', () => {
    const id = Uint8Array.of(0xab);
    expect(repairedTags(keyWith({ team: 'web' }), { label: ofText('shop'), id })).toMatchObject({
      team: 'web',
      p11_pri_CKA_KEY_TYPE: 'EC',
      p11_pri_CKA_LABEL: 'shop',
      p11_pub_CKA_LABEL: 'shop',
      p11_pri_CKA_ID: 'ab',
    });
  });

  test('of whatever tags leaves none damaged, and has nothing to do twice', () => {
    const tag = fc.constantFrom(...Object.keys(good), 'p11_pri_sign', 'P11_PUB_verify', 'p11_pri_CKA_START_DATE', 'x');
    fc.assert(
      fc.property(fc.dictionary(tag, fc.string({ maxLength: 12 })), (tags) => {
        const repaired = repairedTags(keyWith(tags)) ?? {};
        expect(decodeTags(repaired).problems).toEqual([]);
        expect(changesBetween(repaired, repairedTags(keyWith(repaired)) ?? {})).toEqual([]);
        expect(tagLines(keyWith(repaired)).every(({ state }) => state === 'good' || state === 'foreign')).toBe(true);
      }),
    );
  });

  test('is refused where others’ tags leave no room', () => {
    const others = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`t${i}`, '']));
    expect(repairedTags(keyWith(others))).toBeNull();
  });
});
