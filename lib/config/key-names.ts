import * as z from 'zod';
import { fileSchema } from './configuration.ts';

/** Keys that are known under another name too. */
const ALIASES: Readonly<Record<string, string>> = { flag: 'flags' };

/** What is the same for keys that mean the same. */
export function keyForm(key: string): string {
  const lower = key.toLowerCase();
  return ALIASES[lower] ?? lower;
}

type Shape = Readonly<Record<string, z.ZodType>>;

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema;
}

function shapeOf(schema: z.ZodType | undefined): Shape | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? (inner.shape as Shape) : undefined;
}

/** Number of letters to change, add or leave out to make one word the other. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function nearest(key: string, known: readonly string[]): string {
  const byDistance = known.map((name) => ({ name, far: editDistance(key.toLowerCase(), name.toLowerCase()) }));
  byDistance.sort((a, b) => a.far - b.far);
  const best = byDistance[0];
  if (best !== undefined && best.far <= Math.max(2, key.length / 3)) return `; did you mean ${best.name}?`;
  return `; known here: ${known.join(', ')}`;
}

export interface UnknownKey {
  readonly path: readonly (string | number)[];
  readonly advice: string;
}

export interface Spelled {
  /** The value with its keys in the spelling of the schema, unknown ones left out. */
  readonly value: unknown;
  readonly unknown: readonly UnknownKey[];
  /** Path in the schema's spelling → path in the file's, so that a message can point into the file. */
  readonly spelling: ReadonlyMap<string, readonly (string | number)[]>;
}

/** Brings the keys of a configuration value into the schema's spelling, whatever their case. */
export function spellKeys(value: unknown): Spelled {
  const unknown: UnknownKey[] = [];
  const spelling = new Map<string, readonly (string | number)[]>();

  function visit(
    node: unknown,
    schema: z.ZodType | undefined,
    path: readonly (string | number)[],
    written: readonly (string | number)[],
  ): unknown {
    spelling.set(path.join('.'), written);
    const inner = unwrap(schema);
    if (Array.isArray(node) && inner instanceof z.ZodArray) {
      return node.map((item, i) => visit(item, inner.element as z.ZodType, [...path, i], [...written, i]));
    }
    const shape = shapeOf(schema);
    if (shape === undefined || typeof node !== 'object' || node === null || Array.isArray(node)) return node;
    const known = Object.keys(shape);
    const spelled: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(node)) {
      const name = known.find((candidate) => candidate.toLowerCase() === keyForm(key));
      if (name === undefined) unknown.push({ path: [...written, key], advice: nearest(key, known) });
      else spelled[name] = visit(item, shape[name], [...path, name], [...written, key]);
    }
    return spelled;
  }

  return { value: visit(value, fileSchema, [], []), unknown, spelling };
}
