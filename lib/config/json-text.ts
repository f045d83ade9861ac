import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

export type Path = readonly (string | number)[];

/** `tokens[0].slotid`; the empty path is the file. */
export function pathText(path: Path): string {
  let written = '';
  for (const part of path) written += typeof part === 'number' ? `[${part}]` : written === '' ? part : `.${part}`;
  return written === '' ? 'the file' : written;
}

/** ParseErrorCode.ValueExpected of jsonc-parser, whose const enum cannot be imported. */
const VALUE_EXPECTED = 4;

function valueOfNode(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOfNode);
  if (node.type !== 'object') return node.value;
  return Object.fromEntries(
    (node.children ?? []).map(({ children = [] }) => [children[0]?.value, children[1] && valueOfNode(children[1])]),
  );
}

/** A member of an object that another one of the same name follows. */
interface DroppedMember {
  readonly path: Path;
  readonly offset: number;
}

const keyOf = (member: Node) => String(member.children?.[0]?.value);

function withoutEarlier(node: Node, path: Path, keyForm: (key: string) => string, dropped: DroppedMember[]): Node {
  const { children = [] } = node;
  if (node.type === 'array') {
    return { ...node, children: children.map((child, i) => withoutEarlier(child, [...path, i], keyForm, dropped)) };
  }
  if (node.type !== 'object') return node;
  const forms = children.map((member) => keyForm(keyOf(member)));
  const kept = children.filter((member, i) => {
    const isLast = forms.lastIndexOf(forms[i] ?? '') === i;
    if (!isLast) dropped.push({ path: [...path, keyOf(member)], offset: member.offset });
    return isLast;
  });
  const members = kept.map((member) => {
    const [key, value] = member.children ?? [];
    if (key === undefined || value === undefined) return member;
    return { ...member, children: [key, withoutEarlier(value, [...path, keyOf(member)], keyForm, dropped)] };
  });
  return { ...node, children: members };
}

/** A mistake of the text itself. */
export interface SyntaxMistake {
  readonly offset: number;
  /** `comma expected` */
  readonly words: string;
}

/** JSON with comments, of which a message can say where a value stands. */
export class JsonText {
  /** What cannot be read, each once a line: further ones in a line follow from the first. */
  readonly mistakes: readonly SyntaxMistake[];
  readonly #text: string;
  #root: Node;

  constructor(text: string) {
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { disallowComments: false, allowTrailingComma: false });
    this.#text = text;
    this.#root = root ?? { type: 'null', offset: 0, length: 0, value: null };
    if (root === undefined && errors.length === 0) errors.push({ error: VALUE_EXPECTED, offset: 0, length: 0 });
    this.mistakes = this.#firstOfEachLine(errors);
  }

  #firstOfEachLine(errors: readonly ParseError[]): SyntaxMistake[] {
    const lines = errors.map(({ offset }) => this.positionOf(offset).split(':')[0]);
    return errors
      .filter((_, i) => lines.indexOf(lines[i]) === i)
      .map(({ error, offset }) => {
        const words = printParseErrorCode(error).replace(/([a-z])([A-Z])/g, '$1 $2');
        return { offset, words: words.toLowerCase() };
      });
  }

  /** The whole as a value. */
  get value(): unknown {
    return valueOfNode(this.#root);
  }

  /** The value at a path; undefined when there is none. */
  at(path: Path): unknown {
    const node = path.length === 0 ? this.#root : findNodeAtLocation(this.#root, [...path]);
    return node && valueOfNode(node);
  }

  /** Where the value at a path begins; of the last one on the way that exists. */
  offsetOf(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(this.#root, path.slice(0, length));
      if (node !== undefined) return node.offset;
    }
    return this.#root.offset;
  }

  /** `line:column`, both from 1. */
  positionOf(offset: number): string {
    const before = this.#text.slice(0, offset).split('\n');
    return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  }

  /** Takes out all but the last of the members of an object whose keys are the same for `keyForm`; gives what went. */
  dropEarlier(keyForm: (key: string) => string): readonly DroppedMember[] {
    const dropped: DroppedMember[] = [];
    this.#root = withoutEarlier(this.#root, [], keyForm, dropped);
    return dropped.sort((a, b) => a.offset - b.offset);
  }
}
