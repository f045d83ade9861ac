import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowsRelease, readReleasePolicy, rulesOf } from './release-policy.ts';

const authority = 'https://attest.example';
const encoded = (policy: unknown) => Buffer.from(JSON.stringify(policy)).toString('base64url');
const policyOf = (condition: object) => encoded({ version: '1.0.0', anyOf: [{ authority, ...condition }] });
const allows = (condition: object, claims: Record<string, unknown>, issuer = authority) =>
  allowsRelease(rulesOf(policyOf(condition)), issuer, claims);

describe('the form', () => {
  const good = policyOf({ allOf: [{ claim: 'a', equals: 'b' }] });

  test('defaults are filled in, and the data is written as pools write it', () => {
    expect(readReleasePolicy({ data: good })).toEqual({
      contentType: 'application/json; charset=utf-8',
      data: expect.stringMatching(/^[\w-]+$/),
      immutable: false,
    });
    expect(rulesOf(readReleasePolicy({ data: good }).data)).toEqual(rulesOf(good));
  });

  test.each([
    ['no data', {}],
    ['another content type', { data: good, contentType: 'text/plain' }],
    ['what is not JSON', { data: Buffer.from('{').toString('base64url') }],
    ['a list', { data: encoded([]) }],
    ['no version', { data: encoded({ anyOf: [{ authority, anyOf: [{ claim: 'a', equals: 1 }] }] }) }],
    ['no authority', { data: encoded({ version: '1.0.0', anyOf: [] }) }],
    ['an authority that is no URL', { data: encoded({ version: '1', anyOf: [{ authority: 'x', anyOf: [] }] }) }],
    ['an authority without conditions', { data: policyOf({}) }],
    ['an empty condition list', { data: policyOf({ allOf: [] }) }],
    ['a claim that is not compared', { data: policyOf({ allOf: [{ claim: 'a' }] }) }],
    ['a claim that is compared twice', { data: policyOf({ allOf: [{ claim: 'a', equals: 1, less: 2 }] }) }],
    ['a comparison with an object', { data: policyOf({ allOf: [{ claim: 'a', equals: {} }] }) }],
    ['an unknown operator', { data: policyOf({ allOf: [{ claim: 'a', like: 'b' }] }) }],
  ])('%s is refused', (_what, body) => {
    expect(() => readReleasePolicy(body)).toThrow(/release.policy/i);
  });

  test('conditions nested too deep are refused, not followed', () => {
    let condition: object = { claim: 'a', equals: 1 };
    for (let i = 0; i < 1000; i += 1) condition = { allOf: [condition] };
    expect(() => rulesOf(policyOf({ anyOf: [condition] }))).toThrow('nested');
  });
});

describe('the evaluation', () => {
  test.each([
    ['equals', { equals: 'x' }, 'x', 'y'],
    ['equals of a boolean', { equals: true }, true, 'true'],
    ['equals of the text of a boolean', { equals: 'true' }, true, false],
    ['notEquals', { notEquals: 'x' }, 'y', 'x'],
    ['notEquals of the text of a boolean', { notEquals: 'true' }, false, true],
    ['less', { less: 5 }, 4, 5],
    ['lessOrEquals', { lessOrEquals: 5 }, 5, 6],
    ['greater', { greater: 5 }, 6, 5],
    ['greaterOrEquals', { greaterOrEquals: 5 }, 5, 4],
    ['exists', { exists: true }, 'anything', undefined],
    ['exists not', { exists: false }, undefined, 'anything'],
  ])('%s tells values apart', (_name, operator, good, bad) => {
    const condition = { allOf: [{ claim: 'c', ...operator }] };
    expect(allows(condition, { c: good })).toBe(true);
    expect(allows(condition, { c: bad })).toBe(false);
  });

  test('a missing claim meets nothing but its absence', () => {
    for (const operator of [{ equals: '' }, { notEquals: 'x' }, { less: 1 }, { exists: true }]) {
      expect(allows({ allOf: [{ claim: 'c', ...operator }] }, {})).toBe(false);
    }
  });

  test('a claim is found by its name and by a path, also through names with dots', () => {
    const condition = { allOf: [{ claim: 'x-ms.tee.kind', equals: 'snp' }] };
    expect(allows(condition, { 'x-ms.tee.kind': 'snp' })).toBe(true);
    expect(allows(condition, { 'x-ms': { tee: { kind: 'snp' } } })).toBe(true);
    expect(allows(condition, { 'x-ms.tee': { kind: 'snp' } })).toBe(true);
    expect(allows({ allOf: [{ claim: 'constructor', exists: true }] }, {})).toBe(false);
  });

  test('only the named authority counts; a slash at the end makes no other of it', () => {
    const condition = { anyOf: [{ claim: 'c', equals: 1 }] };
    expect(allows(condition, { c: 1 }, `${authority}/`)).toBe(true);
    expect(allows(condition, { c: 1 }, 'https://attest.example.evil')).toBe(false);
  });

  test('the words of the grammar may be in any case', () => {
    expect(allows({ anyof: [{ allof: [{ claim: 'c', EQUALS: 1 }] }] }, { c: 1 })).toBe(true);
  });

  type Tree = { claim: string; equals: boolean } | { anyOf: Tree[] } | { allOf: Tree[] };

  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.record({ claim: fc.constantFrom('a', 'b', 'c'), equals: fc.boolean() }),
      fc.record({ anyOf: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ allOf: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }),
    ),
  }));

  test('any tree of conditions means what the same tree of and and or means', () => {
    const claims = fc.record({ a: fc.boolean(), b: fc.boolean(), c: fc.boolean() });
    const meaning = (node: Tree, values: Record<string, boolean>): boolean => {
      if ('anyOf' in node) return node.anyOf.map((each) => meaning(each, values)).includes(true);
      if ('allOf' in node) return !node.allOf.map((each) => meaning(each, values)).includes(false);
      return values[node.claim] === node.equals;
    };
    fc.assert(
      fc.property(tree, claims, (node, values) => {
        expect(allows({ anyOf: [node] }, values)).toBe(meaning(node, values));
      }),
    );
  });
});
