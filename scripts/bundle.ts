/**
 * Bundles each program into one file of dist/. Imports on demand stay inside: an agent that gave up root may not be able
 * to read a further file, and code that is not run yet costs next to nothing.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    agent: 'lib/bin/agent.ts',
    mhsm_p11_create_key: 'lib/bin/mhsm_p11_create_key.ts',
    mhsm_p11_list_keys: 'lib/bin/mhsm_p11_list_keys.ts',
    mhsm_p11_validate_config_file: 'lib/bin/mhsm_p11_validate_config_file.ts',
    'mhsm-p11': 'lib/bin/mhsm-p11.ts',
  },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // jsonc-parser's CommonJS form requires files that a bundler does not see.
  mainFields: ['module', 'main'],
  external: ['*.node'],
  legalComments: 'linked',
  logLevel: 'warning',
  // CommonJS packages in the bundle call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
