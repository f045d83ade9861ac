/**
 * A program with V8's code cache of it, made when it was built: to compile three megabytes anew is a third of an agent's
 * start. V8 itself holds neither the cache against the text nor against what was written: a SHA-256 of both stands before it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';

/** What a bundle is wrapped into, as Node does with CommonJS; scripts/bundle.ts. */
export const WRAPPER = { before: '(function (require, module, exports, moduleUrl) {', after: '})' } as const;

type Wrapped = (require: NodeJS.Require, module: { exports: object }, exports: object, moduleUrl: string) => void;

export interface LoadedProgram {
  readonly script: Script;
  run(): void;
}

const DIGEST_BYTES = 32;

export const codeCacheFileOf = (programFile: string): string => `${programFile}.cache`;

const digestOf = (text: Buffer, cache: Buffer): Buffer => createHash('sha256').update(text).update(cache).digest();

/** What the file of a cache holds. */
export function sealedCache(text: Buffer, cache: Buffer): Buffer {
  return Buffer.concat([digestOf(text, cache), cache]);
}

/** The cache, where it is whole and of this text. */
function cacheFor(programFile: string, text: Buffer): Buffer | undefined {
  try {
    const sealed = readFileSync(codeCacheFileOf(programFile));
    const cache = sealed.subarray(DIGEST_BYTES);
    return digestOf(text, cache).equals(sealed.subarray(0, DIGEST_BYTES)) ? cache : undefined;
  } catch {
    // It works without, only later.
    return undefined;
  }
}

/**
 * Compiles it, or takes what was compiled: a cache of another version of Node is refused by V8.
 * @param programFile a bundle, ASCII, wrapped
 */
export function loadProgram(programFile: string): LoadedProgram {
  const text = readFileSync(programFile);
  const cachedData = cacheFor(programFile, text);
  const script = new Script(text.toString('latin1'), {
    filename: programFile,
    ...(cachedData && { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const run = () => {
    const module = { exports: {} };
    const wrapped = script.runInThisContext() as Wrapped;
    wrapped(createRequire(programFile), module, module.exports, pathToFileURL(programFile).href);
  };
  return { script, run };
}
