/**
 * Makes the npm package of the library for Node programs: build/mhsm-pkcs11-<version>.tgz. All that it needs is bundled, so
 * it has no dependencies, and installs without a registry.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const FOLDER = 'build/package';

const { name, version, description, license, type, engines, exports } = JSON.parse(
  readFileSync('package.json', 'utf8'),
) as Record<string, unknown>;

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
cpSync('dist/api', `${FOLDER}/dist/api`, { recursive: true });
cpSync('dist/types', `${FOLDER}/dist/types`, { recursive: true });
cpSync('docs/typescript.md', `${FOLDER}/README.md`);
for (const file of ['LICENSE', 'CHANGELOG.md']) cpSync(file, `${FOLDER}/${file}`);
const manifest = { name, version, description, license, type, engines, exports };
writeFileSync(`${FOLDER}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);

const destination = process.argv[2] ?? 'build';
const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', destination, `./${FOLDER}`], {
  encoding: 'utf8',
});
process.stdout.write(`${destination}/${packed.trim()}\n`);
