/** Bugs in what is written to tags and read from them. */

import type { Mutation } from './mutation.ts';

export const tagMutations: readonly Mutation[] = [
  {
    name: 'untagged-keys-do-not-sign',
    file: 'lib/tags/attributes.ts',
    search: "name: 'CKA_SIGN', form: boolean, on: 'private', absent: TRUE",
    replace: "name: 'CKA_SIGN', form: boolean, on: 'private', absent: FALSE",
    broken: 'the lack of the tag of CKA_SIGN means false',
  },
  {
    name: 'tags-of-others-lost',
    file: 'lib/tags/codec.ts',
    search: 'if (meaning === undefined || !changes[meaning.side]',
    replace: 'if (meaning !== undefined && !changes[meaning.side]',
    broken: 'a change of an attribute deletes the tags of others',
  },
  {
    name: 'one-tag-too-few',
    file: 'lib/tags/codec.ts',
    search: 'tags.size > MAX_TAGS',
    replace: 'tags.size >= MAX_TAGS',
    broken: 'the fifteenth tag is refused',
  },
  {
    name: 'names-in-one-case',
    file: 'lib/tags/codec.ts',
    search: 'name.toLowerCase().replaceAll(',
    replace: 'name.replaceAll(',
    broken: 'a tag in another case is not read',
  },
  {
    name: 'prefix-in-one-case',
    file: 'lib/tags/codec.ts',
    search: "match[1]?.toLowerCase() === 'pri'",
    replace: "match[1] === 'pri'",
    broken: 'P11_PRI_ is taken for the public key',
  },
  {
    name: 'damage-untold',
    file: 'lib/tags/codec.ts',
    search: 'else if (value === undefined) problems.push({ tag, text, expected: row.form.expected });',
    replace: 'else if (value === undefined) continue;',
    broken: 'a damaged tag is taken for one that is absent',
  },
  {
    name: 'other-spelling-wins',
    file: 'lib/tags/codec.ts',
    search: 'if (own !== 0) return own;',
    replace: 'if (own !== 0) return -own;',
    broken: 'of two spellings of one attribute, ours loses',
  },
  {
    name: 'id-in-base64',
    file: 'lib/tags/text-forms.ts',
    search: "write: (value) => Buffer.from(value).toString('hex')",
    replace: "write: (value) => Buffer.from(value).toString('base64')",
    broken: 'CKA_ID is written as base64, which reads as hexadecimal now and then',
  },
  {
    name: 'thirtieth-of-february',
    file: 'lib/tags/values.ts',
    search: 'Number.isNaN(seconds) || dayOf(seconds) !== yyyymmdd',
    replace: 'Number.isNaN(seconds)',
    broken: 'a day that does not exist is a date',
  },
];
