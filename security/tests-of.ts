/** What a test file says of its tests, read from its syntax: their names, and what can skip each of them. */

import { parseAst } from 'vitest/node';

export interface FoundTest {
  /** As it is written: one of `test.each` with its %s. */
  readonly name: string;
  /** What stands there, of the test and of all that it is in: `skipIf(getuid?.() !== 0)`, `context.skip('no core')`. */
  readonly skips: readonly string[];
}

/** A node of the syntax tree, whatever its kind. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

interface Modifier {
  readonly name: string;
  readonly text: string;
}

const SKIPPING = new Set(['skip', 'skipIf', 'runIf', 'todo', 'fails', 'only']);

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;
const childrenOf = (node: Node): Node[] => Object.values(node).flat().filter(isNode);

/** Of `describe.skipIf(x).each(y)`: describe, and both modifiers with what they were given. */
function headOf(callee: unknown, textOf: (node: Node) => string): { root: string; modifiers: readonly Modifier[] } {
  const none = { root: '', modifiers: [] };
  if (!isNode(callee)) return none;
  if (callee.type === 'Identifier') return { root: String(callee.name), modifiers: [] };
  if (callee.type === 'MemberExpression' && isNode(callee.property)) {
    const { root, modifiers } = headOf(callee.object, textOf);
    const name = textOf(callee.property);
    return { root, modifiers: [...modifiers, { name, text: name }] };
  }
  if (callee.type !== 'CallExpression' || !Array.isArray(callee.arguments)) return none;
  const { root, modifiers } = headOf(callee.callee, textOf);
  const last = modifiers.at(-1);
  if (last === undefined) return none;
  const given = callee.arguments.filter(isNode).map(textOf).join(', ');
  return { root, modifiers: [...modifiers.slice(0, -1), { ...last, text: `${last.name}(${given})` }] };
}

function nameIn(call: Node): string | undefined {
  const [first] = Array.isArray(call.arguments) ? call.arguments.filter(isNode) : [];
  return first?.type === 'Literal' && typeof first.value === 'string' ? first.value : undefined;
}

/** Calls of `context.skip`, or of the `skip` taken from it, within a test. */
function skipsWithin(node: Node, textOf: (node: Node) => string): string[] {
  const callee = node.type === 'CallExpression' && isNode(node.callee) ? node.callee : undefined;
  const called = callee?.type === 'MemberExpression' ? callee.property : callee;
  const skips = isNode(called) && textOf(called) === 'skip';
  return [...(skips ? [textOf(node)] : []), ...childrenOf(node).flatMap((child) => skipsWithin(child, textOf))];
}

/** The tests of a file's source. */
export function testsOf(source: string): FoundTest[] {
  const textOf = ({ start, end }: Node) => source.slice(start, end);
  const found: FoundTest[] = [];
  const visit = (node: Node, outer: readonly string[]): void => {
    const { root, modifiers } = headOf(node.callee, textOf);
    const skips = [...outer, ...modifiers.filter(({ name }) => SKIPPING.has(name)).map(({ text }) => text)];
    const name = nameIn(node);
    if (root === 'test' && name !== undefined) {
      const within = childrenOf(node).filter((child) => child !== node.callee);
      found.push({ name, skips: [...skips, ...within.flatMap((child) => skipsWithin(child, textOf))] });
      return;
    }
    for (const child of childrenOf(node)) visit(child, root === 'describe' ? skips : outer);
  };
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node, []);
  return found;
}
