/**
 * A program with the machine code that was kept of it when it was built: to read and compile three megabytes anew is a third
 * of an agent's start. Both files have the same hash in their names, so that no code is taken for that of another program.
 */
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

/** Where the code of a program is kept. */
export const codeFileOf = (programFile: string): string => `${programFile}.code`;

function keptCode(programFile: string): Buffer | undefined {
  try {
    return readFileSync(codeFileOf(programFile));
  } catch {
    // It works without, only later.
    return undefined;
  }
}

/**
 * @param programFile a bundle, ASCII, wrapped
 * Code of another version of Node is refused by V8, and the program compiled anew.
 */
export function loadProgram(programFile: string): LoadedProgram {
  const cachedData = keptCode(programFile);
  const script = new Script(readFileSync(programFile, 'latin1'), {
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
