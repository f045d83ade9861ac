import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Stage } from './stage.ts';

// Foreign programs start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const project = join(import.meta.dirname, '../..');
const installed = join(project, 'build/clients');

interface Block {
  /** Heading of the way, and of the client below it; the latter is empty for what all clients need. */
  readonly way: string;
  readonly client: string;
  readonly language: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const found: Block[] = [];
  let [way, client] = ['', ''];
  for (const match of page.matchAll(/^(##+) (.*)$|^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const [, level, heading = '', language = '', code = ''] = match;
    if (level === '##') [way, client] = [heading, ''];
    else if (level === '###') client = heading;
    else found.push({ way, client, language, code });
  }
  return found;
}

const blocks = blocksOf(readFileSync(join(project, 'docs/clients.md'), 'utf8'));

const imports = [
  'com.azure.identity.*',
  'com.azure.security.keyvault.keys.*',
  'com.azure.security.keyvault.keys.models.*',
];

/** How the program of a page becomes a file, and what runs it. */
const programs: Readonly<Record<string, { file: string; wrap: (code: string) => string; command: string }>> = {
  js: { file: 'page.mjs', wrap: (code) => code, command: `'${process.execPath}' page.mjs` },
  python: { file: 'page.py', wrap: (code) => code, command: `'${installed}/python/bin/python' page.py` },
  java: {
    file: 'Page.java',
    wrap: (code) => {
      const imported = imports.map((name) => `import ${name};\n`).join('');
      return `${imported}class Page { public static void main(String[] args) {\n${code}System.exit(0); } }\n`;
    },
    command: `java -cp '${installed}/java/*' Page.java`,
  },
};

describe.each([
  ["Azure's own names", 443, 'https://mypool.managedhsm.azure.net'],
  ['A port of its own', 8443, 'https://localhost:8443'],
])('the page on clients, %s', (way, port, pool) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(port);
    symlinkSync(join(project, 'node_modules'), join(stage.folder, 'node_modules'));
  });

  afterAll(() => stage.close());

  /** Runs the shell lines of a client after those of all, then its program. @returns standard output */
  async function follow(client: string): Promise<string> {
    const own = blocks.filter((block) => block.way === way && block.client === client);
    const shell = (all: readonly Block[]) => all.filter(({ language }) => language === 'sh').map(({ code }) => code);
    // The first shell block of a way starts the mock: the stage has done that.
    const common = shell(blocks.filter((block) => block.way === way && block.client === '')).slice(1);
    const script = ['cd "$HOME"', ...common, ...shell(own)];
    for (const { language, code } of own) {
      const program = programs[language];
      if (program === undefined) continue;
      writeFileSync(join(stage.folder, program.file), program.wrap(code));
      script.push(program.command);
    }
    const environment = {
      PATH: `${installed}/azure-cli/bin:${process.env.PATH ?? ''}`,
      AZURE_CORE_COLLECT_TELEMETRY: 'no',
    };
    const { exitCode, stdout, stderr } = await stage.run('sh', ['-euc', script.join('\n')], environment);
    if (exitCode !== 0) throw new Error(`${client}: ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  }

  test.each(['JavaScript', 'Python', 'Java'])('makes a key as %s', async (client) => {
    const lines = (await follow(client)).trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(new RegExp(`^${pool}/keys/made-here/[0-9a-f]{32}$`));
  });

  test('administrates with az', async () => {
    expect(await follow('az')).toContain('"roleName": "Managed HSM Crypto User"');
  });
});
