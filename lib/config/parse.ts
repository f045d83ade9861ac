import type * as z from 'zod';
import { CKR_GENERAL_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { type Configuration, completeConfiguration, fileSchema } from './configuration.ts';
import { HTTP_LEVELS, isHttpLevel } from './http-level.ts';
import { JsonText, type Path, pathText } from './json-text.ts';
import { keyForm, type Spelled, spellKeys } from './key-names.ts';
import { shownValue } from './shown-value.ts';

/** A configuration that cannot be used: CKR_GENERAL_ERROR with file, line and what is expected. */
export class ConfigurationError extends Pkcs11Error {
  constructor(message: string, hint: string, cause?: unknown) {
    super(CKR_GENERAL_ERROR, message, { hint, cause });
    this.name = 'ConfigurationError';
  }
}

export interface Parsed {
  readonly configuration: Configuration;
  /** One line each: unknown keys, settings that are not honoured. */
  readonly warnings: readonly string[];
}

/** One thing that makes a configuration unusable. */
export interface Problem {
  /** File, line, column, which key, what was found and what is expected. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** All that can be said about a configuration. */
export interface Examined {
  /** Undefined when there are problems. */
  readonly configuration: Configuration | undefined;
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** The text, its keys in the spelling of the schema, and the name of the file for messages. */
interface Source {
  readonly file: string;
  readonly json: JsonText;
  readonly spelled: Spelled;
}

interface PlacedProblem extends Problem {
  readonly offset: number;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list [ ]',
  object: 'an object { }',
};

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return EXPECTED[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'too_small':
      return issue.message.startsWith('Too small') ? `at least ${issue.minimum}` : issue.message;
    case 'too_big':
      return `at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    default:
      return issue.message;
  }
}

const CORRECT = 'correct the file; docs/configuration.md lists all keys';

/** A path in the schema's spelling as the file has it. */
function writtenPath({ spelled }: Source, path: Path): Path {
  return spelled.spelling.get(path.join('.')) ?? path;
}

function problemAt({ file, json }: Source, path: Path, what: string, hint: string): PlacedProblem {
  const offset = json.offsetOf(path);
  return { offset, message: `${file}:${json.positionOf(offset)}: ${pathText(path)} is ${what}`, hint };
}

function wrongValue(source: Source, issue: z.core.$ZodIssue): PlacedProblem {
  const path = writtenPath(source, issue.path as Path);
  const found = shownValue(path, source.json.at(path));
  return problemAt(source, path, `${found}, expected ${expectation(issue)}`, CORRECT);
}

/** Slots that stand twice, whatever else is wrong with their tokens. */
function duplicateSlots(source: Source): PlacedProblem[] {
  const { tokens } = (source.spelled.value ?? {}) as { tokens?: unknown };
  if (!Array.isArray(tokens)) return [];
  const slots = tokens.map((token: { slotid?: unknown } | null) => token?.slotid);
  return slots.flatMap((slot, i) => {
    const first = slots.indexOf(slot);
    if (typeof slot !== 'number' || first === i) return [];
    const path = writtenPath(source, ['tokens', i, 'slotid']);
    const twice = `${slot}, which ${pathText(writtenPath(source, ['tokens', first]))} has too`;
    return [problemAt(source, path, twice, 'give each token a slotid of its own')];
  });
}

/** The closed library's other levels are not published: one of them must not keep a server from starting. */
function levelWarning(source: Source): string[] {
  const { file, json, spelled } = source;
  const path = spelled.spelling.get('log.module.curl.Level');
  const level = path && json.at(path);
  if (path === undefined || typeof level !== 'string' || isHttpLevel(level)) return [];
  const where = json.positionOf(json.offsetOf(path));
  const known = HTTP_LEVELS.join(', ');
  return [
    `${file}:${where}: ${pathText(path)} is ${shownValue(path, level)}, which is taken as Error; known: ${known}`,
  ];
}

function unknownKeys({ file, json, spelled }: Source): string[] {
  return spelled.unknown.map(({ path, advice }) => {
    const where = json.positionOf(json.offsetOf(path));
    return `${file}:${where}: ${pathText(path)} is not known and ignored${advice}`;
  });
}

/** Looked up in the file and not in the configuration: beside a mistake there is none. */
function isOn({ json, spelled }: Source, key: string): boolean {
  const path = spelled.spelling.get(key);
  const value = path && json.at(path);
  return value === true || value === 1;
}

const NOT_HONOURED: readonly (readonly [key: string, what: string])[] = [
  ['log.flags.IncludePINs', 'is ignored: PINs are never logged'],
  ['options.DisableTLSAuthentication', 'is on: anybody on the way can pose as the HSM; use caFile instead'],
];

function settingsNotHonoured(source: Source): string[] {
  return NOT_HONOURED.filter(([key]) => isOn(source, key)).map(([key, what]) => `${source.file}: ${key} ${what}`);
}

/** All that is wrong with the text of a file, and what it says when nothing is; `file` names it in messages. */
export function examineConfiguration(text: string, file: string): Examined {
  // Some editors begin a file with a byte order mark; it is in nobody's column.
  const json = new JsonText(text.replace(/^\uFEFF/, ''));
  if (json.mistakes.length > 0) {
    const problems = json.mistakes.map(({ offset, words }) => ({
      message: `${file}:${json.positionOf(offset)}: not valid JSON: ${words}`,
      hint: 'correct the file at that place',
    }));
    return { configuration: undefined, problems, warnings: [] };
  }
  const twice = json.dropEarlier(keyForm).map(({ path, offset }) => {
    return `${file}:${json.positionOf(offset)}: ${pathText(path)} stands twice: the last one counts`;
  });
  const source: Source = { file, json, spelled: spellKeys(json.value) };
  const result = fileSchema.safeParse(source.spelled.value);
  const issues = result.success ? [] : result.error.issues;
  const problems = [...issues.map((issue) => wrongValue(source, issue)), ...duplicateSlots(source)];
  problems.sort((a, b) => a.offset - b.offset);
  const configuration = result.success && problems.length === 0 ? completeConfiguration(file, result.data) : undefined;
  const warnings = [...twice, ...unknownKeys(source), ...settingsNotHonoured(source), ...levelWarning(source)];
  return { configuration, problems, warnings };
}

/** What was examined, when it can be used. Throws ConfigurationError that tells the first problem and how many there are. */
export function accepted({ configuration, problems, warnings }: Examined): Parsed {
  const [first, ...more] = problems;
  if (configuration !== undefined) return { configuration, warnings };
  const count = more.length === 0 ? '' : ` (the first of ${problems.length} mistakes)`;
  throw new ConfigurationError(`${first?.message}${count}`, first?.hint ?? CORRECT);
}

/**
 * The configuration in the text of a file; `file` names it in messages. Throws ConfigurationError (CKR_GENERAL_ERROR)
 * that says file, line, column, which key, what was found and what is expected.
 */
export function parseConfiguration(text: string, file: string): Parsed {
  return accepted(examineConfiguration(text, file));
}
