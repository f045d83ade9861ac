// A seed file: YAML or JSON, where any text may come from the environment or from another file.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { pathText, readSeed, type Seed, SeedError } from './document.ts';

/**
 * Reads a seed file. In place of a text it may hold `{ environment: NAME }` or `{ file: path }` (from the seed file's
 * folder; one line break at its end is cut off), so that secrets need not stand in it.
 *
 * Throws SeedError that names the file, the place in it and what is expected.
 */
export function readSeedFile(file: string): Seed {
  const found = replaced(parse(textOf(file, `cannot read the seed file ${file}`), file), file, []);
  return readSeed(found, file);
}

function parse(text: string, file: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const fault = document.errors[0];
  if (fault === undefined) return withoutCircle(document.toJS(), file);
  const { line, col } = lineCounter.linePos(fault.pos[0]);
  throw new SeedError(`${file}:${line}:${col}: ${fault.message}`);
}

/** The tags of a key: the one place where names are the user's own, and may be `file` or `environment`. */
const isNamedByUser = (path: readonly PropertyKey[]) => path.length === 3 && path[0] === 'keys' && path[2] === 'tags';

/** YAML can put an anchor within itself, which no document of ours means. */
function withoutCircle(value: unknown, file: string): unknown {
  try {
    JSON.stringify(value);
    return value;
  } catch (cause) {
    throw new SeedError(`${file}: an anchor stands within itself; write out what is meant`, { cause });
  }
}

/** The value with all references replaced by what they name. */
function replaced(value: unknown, file: string, path: readonly PropertyKey[]): unknown {
  if (Array.isArray(value)) return value.map((each, index) => replaced(each, file, [...path, index]));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (!isNamedByUser(path) && entries.length === 1 && first !== undefined && typeof first[1] === 'string') {
    const place = `${file}: ${pathText(path)}`;
    if (first[0] === 'environment') return fromEnvironment(first[1], place);
    if (first[0] === 'file') {
      const target = resolve(dirname(file), first[1]);
      return textOf(target, `${place}: cannot read ${target}`).replace(/\r?\n$/, '');
    }
  }
  return Object.fromEntries(entries.map(([key, each]) => [key, replaced(each, file, [...path, key])]));
}

function fromEnvironment(name: string, place: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new SeedError(`${place}: the environment has no ${name}`);
  return value;
}

function textOf(file: string, failure: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SeedError(`${failure}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
