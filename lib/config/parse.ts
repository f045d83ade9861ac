import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { z } from 'zod';
import { CKR_GENERAL_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { type Configuration, completeConfiguration, fileSchema } from './configuration.ts';
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

/** Values that may be printed: a secret is not shown. */
function shown(path: Path, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (/secret|password|pin$/i.test(String(path.at(-1)))) return 'a value that is not shown';
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

function duplicateSlot(configuration: Configuration): ConfigurationError | undefined {
  const seen = new Set<number>();
  for (const { slotid, path } of configuration.tokens) {
    if (seen.has(slotid)) {
      return new ConfigurationError(
        `${configuration.file}: ${path}.slotid is ${slotid}, which another token has`,
        'give each token a slotid of its own',
      );
    }
    seen.add(slotid);
  }
  return undefined;
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
  return warnings;
}

/**
 * The configuration in the text of a file; `file` names it in messages. Throws ConfigurationError (CKR_GENERAL_ERROR)
 * that says file, line, column, which key, what was found and what is expected.
 */
export function parseConfiguration(text: string, file: string): Parsed {
  const root = parseJson(text, file);
  const spelled = spellKeys(valueOfNode(root));
  const result = fileSchema.safeParse(spelled.value);
  if (!result.success) {
    const issue = result.error.issues[0];
    if (issue === undefined) throw new ConfigurationError(`${file}: not a valid configuration`, 'correct the file');
    throw wrongValue(text, file, root, spelled, issue);
  }
  const configuration = completeConfiguration(file, result.data);
  const duplicate = duplicateSlot(configuration);
  if (duplicate !== undefined) throw duplicate;
  return { configuration, warnings: warningsOf(text, file, root, spelled, configuration) };
}
