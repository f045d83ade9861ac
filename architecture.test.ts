import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Folder → folders it may import besides itself. What is not drawn is forbidden; tests may use what they like below. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'lib/pkcs11': [],
  'lib/log': [],
  'lib/wire': ['lib/pkcs11'],
  'lib/wire/fuzz': ['lib/wire', 'lib/pkcs11'],
  'lib/tags': ['lib/pkcs11'],
  'lib/config': ['lib/pkcs11'],
  'lib/core': ['lib/tags', 'lib/pkcs11'],
  'lib/mhsm': ['lib/core', 'lib/config', 'lib/pkcs11'],
  'lib/agent': ['lib/core', 'lib/wire', 'lib/mhsm', 'lib/config', 'lib/log', 'lib/pkcs11', 'native/addon'],
  'lib/bin': ['lib/agent', 'lib/core', 'lib/mhsm', 'lib/config', 'lib/log', 'lib/tags', 'lib/pkcs11', 'native/addon'],
  'lib/api': ['lib/agent', 'lib/core', 'lib/mhsm', 'lib/config', 'lib/tags', 'lib/pkcs11'],
  'native/addon': [],
  'native/test': ['native/addon', 'lib/wire', 'lib/pkcs11', 'secret-watch'],
  'mock-hsm': [],
  // Uses the mock as a program, never its code; the library in process and as a module.
  bench: ['bench/plan', 'demo', 'lib/agent', 'lib/api', 'lib/config', 'lib/tags', 'lib/pkcs11', 'secret-watch'],
  // What to measure and what it means; of the bench it knows the form of a result.
  'bench/plan': ['bench'],
  // Images, and the services of docker-compose.yml: from outside alone.
  containers: [],
  // Holds the library in process, and as a module through the programs of the demo.
  conformance: ['lib/agent', 'lib/core', 'lib/config', 'lib/wire', 'lib/tags', 'lib/pkcs11', 'demo', 'native/test'],
  demo: ['secret-watch'],
  examples: ['demo'],
  // Harms the product as a whole: all of it as processes.
  faults: ['demo', 'bench'],
  // For the code cache of the agent the build runs it once.
  scripts: ['lib/bin', 'native/addon'],
  // Attacks a real agent from outside, by what any process can do.
  security: ['lib/wire', 'lib/pkcs11', 'native/test', 'demo'],
  'secret-watch': ['scripts'],
};

/** What may be imported of Node by parts that must stay pure. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  'lib/pkcs11': [],
  'lib/tags': ['node:buffer'],
  'lib/core': ['node:buffer', 'node:crypto'],
  'lib/wire': ['node:buffer'],
  'bench/plan': [],
};

const sources = globSync(
  '{lib,mock-hsm,native,bench,conformance,containers,demo,examples,faults,scripts,secret-watch,security}/**/*.ts',
  {
    exclude: (path) => path.includes('node_modules') || path.includes('native/build'),
  },
);

function partOf(path: string): string | undefined {
  const parts = Object.keys(ARROWS).filter((part) => path.startsWith(`${part}/`));
  return parts.sort((a, b) => b.length - a.length)[0];
}

function importsOf(path: string): string[] {
  const code = readFileSync(path, 'utf8');
  return [
    ...code.matchAll(
      /(?:^|\n)(?:import|export)\s[^;]*?from\s+'([^']+)'|import\(\s*'([^']+)'|(?:^|\n)import\s+'([^']+)'/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

const isTest = (path: string) => path.endsWith('.test.ts');

describe('architecture', () => {
  test('every source file belongs to a part', () => {
    expect(sources.filter((path) => !isTest(path) && partOf(path) === undefined)).toEqual([]);
  });

  test('imports follow the arrows', () => {
    const wrong: string[] = [];
    for (const path of sources.filter((source) => !isTest(source))) {
      const part = partOf(path) ?? '';
      // Any part may know the package's version.
      for (const target of importsOf(path).filter((name) => name.startsWith('.') && !name.endsWith('/package.json'))) {
        const to = partOf(normalize(join(dirname(path), target)));
        if (to === part || (to !== undefined && ARROWS[part]?.includes(to))) continue;
        wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the library and the mock never meet, not even in tests', () => {
    const wrong = sources.filter((path) => {
      const other = path.startsWith('lib/') ? 'mock-hsm/' : path.startsWith('mock-hsm/') ? 'lib/' : undefined;
      const targets = importsOf(path).map((target) => normalize(join(dirname(path), target)));
      return other !== undefined && targets.some((target) => target.startsWith(other));
    });
    expect(wrong).toEqual([]);
  });

  test('mhsm knows of the core its HSM interface alone', () => {
    const wrong = sources
      .filter((path) => path.startsWith('lib/mhsm/'))
      .filter((path) =>
        importsOf(path).some((target) => target.includes('/core/') && !target.endsWith('/core/hsm.ts')),
      );
    expect(wrong).toEqual([]);
  });

  test('the pure parts import nothing that does I/O', () => {
    const wrong: string[] = [];
    for (const path of sources.filter((source) => !isTest(source) && !source.endsWith('memory-hsm.ts'))) {
      const allowed = PURE[partOf(path) ?? ''];
      if (allowed === undefined || path.endsWith('generate-c.ts')) continue;
      for (const target of importsOf(path).filter((name) => name.startsWith('node:') && !allowed.includes(name))) {
        wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('no file is named for nothing', () => {
    expect(sources.filter((path) => /(^|\/)(utils?|helpers?|common|misc|manager)(\.|\/)/i.test(path))).toEqual([]);
  });
});
