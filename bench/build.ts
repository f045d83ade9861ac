/** What a program was built from, in short. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const isTest = (file: string) => file.endsWith('.test.ts');

/** By name, a program and what runs of it while a point is measured; tests of it excepted. */
export const MEASURED_WITH: Readonly<Record<'mhsm-pkcs11' | 'mock-hsm' | 'bench', readonly string[]>> = {
  'mhsm-pkcs11': [
    'native/build/{libmhsm-pkcs11.so,mhsm-pkcs11-agent,mhsm-pkcs11-launcher,mhsm_addon.node}',
    'dist/{agent.cjs,agent-program-*.js}',
  ],
  'mock-hsm': ['mock-hsm/**/*.ts'],
  // Bare REST is undici as it is installed.
  bench: [
    'bench/*.ts',
    'bench/{plan,real,subjects,targets}/*.ts',
    'native/build/bench/{signs,handshakes}',
    'demo/{mock,nginx,process,tested-module}.ts',
    'examples/nginx/{nginx.conf,openssl-mhsm.cnf}',
    'node_modules/.package-lock.json',
  ],
};

/** Eight hexadecimal digits: others as soon as one of the files differs, is missing, or another one is there. */
export function buildOf(root: string, patterns: readonly string[]): string {
  const hash = createHash('sha256');
  const files = globSync([...patterns], { cwd: root }).filter((file) => !isTest(file));
  for (const file of [...new Set(files)].sort()) {
    const content = createHash('sha256').update(readFileSync(join(root, file)));
    hash.update(`${file} ${content.digest('hex')}\n`);
  }
  return hash.digest('hex').slice(0, 8);
}
