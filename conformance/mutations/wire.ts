/** Bugs in the frames between module and agent. */

import type { Mutation } from './mutation.ts';

export const wireMutations: readonly Mutation[] = [
  {
    name: 'number-half-turned',
    file: 'lib/wire/bytes.ts',
    search: 'readUInt32LE(at + 4)',
    replace: 'readUInt32BE(at + 4)',
    broken: 'numbers of more than 32 bits are read wrongly',
  },
  {
    name: 'any-flag',
    file: 'lib/wire/bytes.ts',
    search: 'if (value > 1) throw',
    replace: 'if (value > 255) throw',
    broken: 'a flag that is neither 0 nor 1 is read as false',
  },
  {
    name: 'byte-behind-frame',
    file: 'lib/wire/bytes.ts',
    search: 'if (this.remaining > 0)',
    replace: 'if (this.remaining > 1)',
    broken: 'a byte behind the last field is overlooked',
  },
  {
    name: 'reads-past-end',
    file: 'lib/wire/bytes.ts',
    search: 'if (bytes > this.remaining)',
    replace: 'if (bytes > this.remaining + 1)',
    broken: 'a frame that lacks its last byte is read',
  },
  {
    name: 'growth-loses-byte',
    file: 'lib/wire/bytes.ts',
    search: 'copy(larger, 0, 0, at)',
    replace: 'copy(larger, 0, 0, at - 1)',
    broken: 'a frame that outgrows its buffer loses a byte',
  },
  {
    name: 'text-of-any-bytes',
    file: 'lib/wire/bytes.ts',
    search: 'fatal: true',
    replace: 'fatal: false',
    broken: 'bytes that are not UTF-8 are read as text',
  },
  {
    name: 'null-pointer-is-zero',
    file: 'lib/wire/codec.ts',
    search: 'return present ? bytes : null;',
    replace: 'return bytes;',
    broken: 'a length query arrives as a buffer of no bytes',
  },
  {
    name: 'answer-to-another-call',
    file: 'lib/wire/codec.ts',
    search: 'if (answered !== call) throw',
    replace: 'if (answered === undefined) throw',
    broken: 'the answer to one call is read as that of another',
  },
  {
    name: 'success-without-fields',
    file: 'lib/wire/codec.ts',
    search: 'if (!present && rv === CKR_OK) throw',
    replace: 'if (!present && rv !== rv) throw',
    broken: 'CKR_OK without its values is an answer',
  },
  {
    name: 'stream-out-of-step',
    file: 'lib/wire/codec.ts',
    search: 'from = end;',
    replace: 'from = end + 1;',
    broken: 'frames that come close together are cut at the wrong place',
  },
  {
    name: 'largest-frame-refused',
    file: 'lib/wire/codec.ts',
    search: 'if (length > this.limitBytes)',
    replace: 'if (length >= this.limitBytes)',
    broken: 'a frame of exactly the limit is refused',
  },
];
