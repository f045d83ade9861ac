// The policy under which a key may leave the pool, after Microsoft's grammar: any one of several authorities, each with
// conditions on the claims of a token that it signed. This file knows the form and the evaluation, no keys and no tokens.
import { z } from 'zod';
import { badParameter } from '../service-error.ts';

/** As it is kept and answered. */
export interface ReleasePolicy {
  readonly contentType: string;
  /** base64url of the policy's JSON text, as pools write it: without blanks, members by name. */
  readonly data: string;
  readonly immutable: boolean;
}

export type ClaimValue = string | number | boolean;

export interface ClaimCondition {
  readonly claim: string;
  readonly operator: Operator;
  readonly value: ClaimValue;
}

export type Condition =
  | ClaimCondition
  | { readonly anyOf: readonly Condition[] }
  | { readonly allOf: readonly Condition[] };

export interface AuthorityRule {
  /** Issuer of the tokens that count. */
  readonly authority: string;
  readonly condition: Condition;
}

type Compare = (actual: unknown, wanted: ClaimValue) => boolean;

const numeric =
  (compare: (left: number, right: number) => boolean): Compare =>
  (actual, wanted) =>
    typeof actual === 'number' && typeof wanted === 'number' && compare(actual, wanted);

/** A boolean claim is also the text of it: a recorded pool released for a claim `true` where the policy says `"true"`. */
const isEqual: Compare = (actual, wanted) =>
  actual === wanted || (typeof actual === 'boolean' && String(actual) === wanted);

const operators = {
  equals: isEqual,
  notEquals: (actual, wanted) => actual !== undefined && !isEqual(actual, wanted),
  less: numeric((left, right) => left < right),
  lessOrEquals: numeric((left, right) => left <= right),
  greater: numeric((left, right) => left > right),
  greaterOrEquals: numeric((left, right) => left >= right),
  exists: (actual, wanted) => (actual !== undefined) === (wanted === true),
} as const satisfies Record<string, Compare>;

export type Operator = keyof typeof operators;

const defaultContentType = 'application/json; charset=utf-8';

/** Nesting that no policy of a person reaches; deeper ones would only exhaust the stack. */
const maxDepth = 32;

export interface ReleasePolicyBody {
  readonly contentType?: string | null | undefined;
  readonly immutable?: boolean | null | undefined;
  readonly data?: string | null | undefined;
}

/** Checks a policy of a request. Throws BadParameter that says what is wrong with its form. */
export function readReleasePolicy({ contentType, immutable, data }: ReleasePolicyBody): ReleasePolicy {
  const type = contentType ?? defaultContentType;
  if (!/^application\/json(;.*)?$/i.test(type)) {
    throw badParameter(`release_policy.contentType is ${type.slice(0, 40)}; only application/json is supported`);
  }
  if (data == null) throw badParameter('release_policy.data is missing');
  rulesOf(data);
  return { contentType: type, data: rewritten(data), immutable: immutable ?? false };
}

const claimValue = z.union([z.string(), z.number(), z.boolean()]);
const jsonObject = z.record(z.string(), z.unknown());
const conditions = z.array(jsonObject).min(1);

/** The rules in a policy's `data`. Throws BadParameter when they do not follow the grammar. */
export function rulesOf(data: string): AuthorityRule[] {
  const policy = membersOf(parsed(data));
  if (typeof policy.get('version') !== 'string') throw malformed('version is missing');
  const authorities = conditions.safeParse(policy.get('anyof'));
  if (!authorities.success) throw malformed('anyOf must hold at least one authority');
  return authorities.data.map((each) => {
    const members = membersOf(each);
    const authority = members.get('authority');
    if (typeof authority !== 'string' || !URL.canParse(authority)) throw malformed('authority must be a URL');
    if (!members.has('anyof') && !members.has('allof')) throw malformed('an authority needs anyOf or allOf');
    return { authority, condition: conditionOf(each, 0) };
  });
}

/** Whether claims of a token of `authority` meet the policy. */
export function allowsRelease(
  rules: readonly AuthorityRule[],
  authority: string,
  claims: Readonly<Record<string, unknown>>,
): boolean {
  return rules.some((rule) => sameAuthority(rule.authority, authority) && meets(rule.condition, claims));
}

export function sameAuthority(left: string, right: string): boolean {
  const plain = (text: string) => text.replace(/\/+$/, '').toLowerCase();
  return plain(left) === plain(right);
}

function meets(condition: Condition, claims: Readonly<Record<string, unknown>>): boolean {
  if ('anyOf' in condition) return condition.anyOf.some((each) => meets(each, claims));
  if ('allOf' in condition) return condition.allOf.every((each) => meets(each, claims));
  return operators[condition.operator](claimOf(claims, condition.claim), condition.value);
}

/** A claim by its name, or by a path of names with dots between them. */
function claimOf(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null) return undefined;
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    const found = Object.hasOwn(claims, head)
      ? claimOf((claims as Record<string, unknown>)[head], path.slice(dot + 1))
      : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function conditionOf(value: Record<string, unknown>, depth: number): Condition {
  if (depth > maxDepth) throw malformed(`conditions are nested more than ${maxDepth} deep`);
  const members = membersOf(value);
  for (const [word, name] of [
    ['anyof', 'anyOf'],
    ['allof', 'allOf'],
  ] as const) {
    if (!members.has(word)) continue;
    const inner = conditions.safeParse(members.get(word));
    if (!inner.success) throw malformed(`${name} must hold at least one condition`);
    const list = inner.data.map((each) => conditionOf(each, depth + 1));
    return name === 'anyOf' ? { anyOf: list } : { allOf: list };
  }
  return claimConditionOf(members);
}

function claimConditionOf(members: ReadonlyMap<string, unknown>): ClaimCondition {
  const claim = members.get('claim');
  if (typeof claim !== 'string' || claim === '') throw malformed('a condition needs a claim, an anyOf or an allOf');
  const named = (Object.keys(operators) as Operator[]).filter((name) => members.has(name.toLowerCase()));
  const operator = named[0];
  if (operator === undefined || named.length > 1) {
    throw malformed(`claim ${claim.slice(0, 40)} needs one of ${Object.keys(operators).join(', ')}`);
  }
  const value = claimValue.safeParse(members.get(operator.toLowerCase()));
  if (!value.success) throw malformed(`claim ${claim.slice(0, 40)} must be compared with a string, number or boolean`);
  return { claim, operator, value: value.data };
}

function rewritten(data: string): string {
  const text = JSON.stringify(parsed(data), (_name, value: unknown) => byName(value));
  return Buffer.from(text).toString('base64url');
}

function byName(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The grammar's words are matched without regard to case: Microsoft's page writes anyof, its examples anyOf. */
const membersOf = (value: Record<string, unknown>) =>
  new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));

function parsed(data: string): Record<string, unknown> {
  try {
    return jsonObject.parse(JSON.parse(Buffer.from(data, 'base64url').toString()));
  } catch {
    throw malformed('data is not base64url of a JSON object');
  }
}

const malformed = (reason: string) => badParameter(`The release policy is malformed: ${reason}`);
