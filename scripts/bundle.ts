/**
 * Bundles each program into one file of dist/, and the library for Node programs into dist/api, with its types in
 * dist/types. Imports on demand stay inside: an agent that gave up root may not be able to read a further file, and code
 * that is not run yet costs next to nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { WRAPPER } from '../lib/bin/code-cache.ts';
import { writeCodeCache } from './write-code-cache.ts';

rmSync('dist', { recursive: true, force: true });

const bundled = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  // jsonc-parser's CommonJS form requires files that a bundler does not see.
  mainFields: ['module', 'main'],
  external: ['*.node'],
  legalComments: 'linked',
  logLevel: 'warning',
  // CommonJS packages in the bundle call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

/** What is used of undici: the whole of it needs Node 22 as soon as it is loaded, and is half of an agent's start. */
const UNDICI_PARTS = `
  import Agent from './lib/dispatcher/agent.js';
  import apiRequest from './lib/api/api-request.js';
  export { default as Pool } from './lib/dispatcher/pool.js';
  const agent = new Agent({ allowH2: false });
  export function request(url, options) {
    const { origin, pathname, search } = new URL(url);
    return apiRequest.call(agent, { ...options, origin, path: pathname + search });
  }
`;

/** Nobody here speaks it, and Node's own part of it takes a twentieth of an agent's start. */
const NO_HTTP2 = "module.exports = () => { throw new Error('HTTP/2 is not part of this bundle'); };";

const undiciParts: Plugin = {
  name: 'undici-parts',
  setup({ onResolve, onLoad }) {
    const resolveDir = dirname(fileURLToPath(import.meta.resolve('undici')));
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'undici-parts' }));
    onLoad({ filter: /.*/, namespace: 'undici-parts' }, () => ({ contents: UNDICI_PARTS, resolveDir }));
    onLoad({ filter: /undici\/lib\/dispatcher\/client-h2\.js$/ }, () => ({ contents: NO_HTTP2 }));
  },
};

/**
 * Node's http without its namespace as an ES module: to make that one, Node reads every export, and some of them load the
 * whole undici that Node has inside.
 */
const plainHttp: Plugin = {
  name: 'plain-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'plain-http' }));
    onLoad({ filter: /.*/, namespace: 'plain-http' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http');",
    }));
  },
};

const CJS = { format: 'cjs', banner: {}, target: 'node24' } as const satisfies BuildOptions;

/** Gives its name in dist/, which has a hash of its text. */
async function bundleAgentProgram(): Promise<string> {
  const { outputFiles } = await build({
    ...bundled,
    ...CJS,
    entryPoints: { 'agent-program': 'lib/bin/agent-program.ts' },
    entryNames: '[name]-[hash]',
    banner: { js: WRAPPER.before },
    footer: { js: WRAPPER.after },
    define: { 'import.meta.url': 'moduleUrl' },
    plugins: [undiciParts, plainHttp],
    write: false,
  });
  mkdirSync('dist', { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  const program = outputFiles.find(({ path }) => path.endsWith('.js'));
  if (program === undefined) throw new Error('esbuild gave no program of the agent');
  return basename(program.path);
}

const agentProgram = await bundleAgentProgram();
await build({
  ...bundled,
  ...CJS,
  entryPoints: { agent: 'lib/bin/agent.ts' },
  outExtension: { '.js': '.cjs' },
  define: { AGENT_PROGRAM: JSON.stringify(agentProgram) },
});
await build({
  ...bundled,
  entryPoints: {
    mhsm_p11_create_key: 'lib/bin/mhsm_p11_create_key.ts',
    mhsm_p11_list_keys: 'lib/bin/mhsm_p11_list_keys.ts',
    mhsm_p11_validate_config_file: 'lib/bin/mhsm_p11_validate_config_file.ts',
    'mhsm-p11': 'lib/bin/mhsm-p11.ts',
  },
  target: 'node24',
  plugins: [undiciParts, plainHttp],
});
await build({
  ...bundled,
  entryPoints: { 'api/index': 'lib/api/index.ts' },
  target: 'node20',
  plugins: [undiciParts],
});
execFileSync('node_modules/.bin/tsc', ['-p', 'lib/api'], { stdio: 'inherit' });
try {
  await writeCodeCache(resolve('dist', agentProgram));
} catch (error) {
  // A sandbox may let no agent run; it starts without as well.
  process.stderr.write(
    `no code cache of the agent, which will start more slowly: ${String(error)}; to try again: rm dist/.stamp, npm run build\n`,
  );
}
