import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { z } from 'zod';
import { CKR_GENERAL_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { type Configuration, completeConfiguration, fileSchema } from './configuration.ts';
import { HTTP_LEVELS, isHttpLevel } from './http-level.ts';
import { type Spelled, spellKeys } from './key-names.ts';

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

type Path = readonly (string | number)[];

function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

function pathText(path: Path): string {
  let written = '';
  for (const part of path) written += typeof part === 'number' ? `[${part}]` : written === '' ? part : `.${part}`;
  return written === '' ? 'the file' : written;
}

/** By its name, or an address with a password in it. */
export function isSecret(key: string, value: unknown): boolean {
  return /secret|password|pin$/i.test(key) || /:\/\/[^/]*@/.test(String(value));
}

/** What was found, for a message. Secrets are not shown, and of objects only the keys: a secret may be inside. */
function shown(path: Path, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (isSecret(String(path.at(-1)), value)) return 'a value that is not shown';
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).join(', ');
    return keys === '' ? '{}' : `an object with ${keys}`;
  }
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

function parseJson(text: string, file: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: false, allowTrailingComma: false });
  const first = errors[0];
  if (root !== undefined && first === undefined) return root;
  const code = first === undefined ? 'ValueExpected' : printParseErrorCode(first.error);
  const words = code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  throw new ConfigurationError(
    `${file}:${position(text, first?.offset ?? 0)}: not valid JSON: ${words}`,
    'correct the file at that place',
  );
}

function valueOfNode(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOfNode);
  if (node.type !== 'object') return node.value;
  const entries = (node.children ?? []).map(({ children }) => [
    children?.[0]?.value,
    children?.[1] && valueOfNode(children[1]),
  ]);
  return Object.fromEntries(entries);
}

/** The node a path leads to, or the last one on the way that exists. */
function nodeAt(root: Node, path: Path): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node !== undefined) return node;
  }
  return root;
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

function at(root: Node, path: Path): unknown {
  const node = path.length === 0 ? root : findNodeAtLocation(root, [...path]);
  return node && valueOfNode(node);
}

function wrongValue(
  text: string,
  file: string,
  root: Node,
  spelled: Spelled,
  issue: z.core.$ZodIssue,
): ConfigurationError {
  const path = issue.path as Path;
  const written = spelled.spelling.get(path.join('.')) ?? path;
  const where = position(text, nodeAt(root, written).offset);
  const found = shown(written, at(root, written));
  return new ConfigurationError(
    `${file}:${where}: ${pathText(written)} is ${found}, expected ${expectation(issue)}`,
    'correct the file; docs/configuration.md lists all keys',
  );
}

function duplicateSlot(
  text: string,
  root: Node,
  spelled: Spelled,
  { file, tokens }: Configuration,
): ConfigurationError | undefined {
  const seen = new Map<number, string>();
  for (const [i, { slotid, path }] of tokens.entries()) {
    const first = seen.get(slotid);
    if (first !== undefined) {
      const written = spelled.spelling.get(`tokens.${i}.slotid`) ?? ['tokens', i];
      return new ConfigurationError(
        `${file}:${position(text, nodeAt(root, written).offset)}: ${pathText(written)} is ${slotid}, which ${first} has too`,
        'give each token a slotid of its own',
      );
    }
    seen.set(slotid, path);
  }
  return undefined;
}

/** The closed library's other levels are not published: one of them must not keep a server from starting. */
function levelWarning(text: string, file: string, root: Node, { spelling }: Spelled): string[] {
  const path = spelling.get('log.module.curl.Level');
  const level = path && at(root, path);
  if (path === undefined || typeof level !== 'string' || isHttpLevel(level)) return [];
  const where = position(text, nodeAt(root, path).offset);
  const known = HTTP_LEVELS.join(', ');
  return [`${file}:${where}: ${pathText(path)} is ${shown(path, level)}, which is taken as Error; known: ${known}`];
}

function warningsOf(text: string, file: string, root: Node, spelled: Spelled, configuration: Configuration): string[] {
  const warnings = spelled.unknown.map(
    ({ path, advice }) =>
      `${file}:${position(text, nodeAt(root, path).offset)}: ${pathText(path)} is not known and ignored${advice}`,
  );
  if (configuration.log.flags.IncludePINs)
    warnings.push(`${file}: log.flags.IncludePINs is ignored: PINs are never logged`);
  if (configuration.options.DisableTLSAuthentication) {
    warnings.push(
      `${file}: options.DisableTLSAuthentication is on: anybody on the way can pose as the HSM; use caFile instead`,
    );
  }
  return [...warnings, ...levelWarning(text, file, root, spelled)];
}

/**
 * The configuration in the text of a file; `file` names it in messages. Throws ConfigurationError (CKR_GENERAL_ERROR)
 * that says file, line, column, which key, what was found and what is expected.
 */
export function parseConfiguration(text: string, file: string): Parsed {
  // Some editors begin a file with a byte order mark; it is in nobody's column.
  const source = text.replace(/^\uFEFF/, '');
  const root = parseJson(source, file);
  const spelled = spellKeys(valueOfNode(root));
  const result = fileSchema.safeParse(spelled.value);
  if (!result.success) {
    const issue = result.error.issues[0];
    if (issue === undefined) throw new ConfigurationError(`${file}: not a valid configuration`, 'correct the file');
    throw wrongValue(source, file, root, spelled, issue);
  }
  const configuration = completeConfiguration(file, result.data);
  const duplicate = duplicateSlot(source, root, spelled, configuration);
  if (duplicate !== undefined) throw duplicate;
  return { configuration, warnings: warningsOf(source, file, root, spelled, configuration) };
}
