// What is wrong with a member of a body, in the words of a service and not of the validator behind it.
import type { z } from 'zod';

const kinds: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** The end of `Property x is invalid: …`; the value is not in it, since it may be secret. */
export function faultOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'it is missing' : `it must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'it is missing';
      return `it must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'unrecognized_keys':
      return `it has no member ${issue.keys.map((key) => key.slice(0, 40)).join(', ')}`;
    default:
      return 'it has the wrong form';
  }
}

function bound(origin: string, word: string, limit: number | bigint): string {
  const measured = origin === 'string' || origin === 'array' ? 'its length' : 'it';
  return `${measured} must be ${word} ${limit}`;
}
