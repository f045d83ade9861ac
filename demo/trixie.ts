import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from './process.ts';
import type { Site } from './site.ts';
import { BUILT_MODULE } from './tested-module.ts';

const CHECKOUT = join(import.meta.dirname, '..');

/** Debian 13 in a folder, which `npm test` makes: OpenSSL 3.5 with pkcs11-provider, and servers on it. */
const ROOT = join(CHECKOUT, 'build/clients/trixie');

/** What the root shows of this machine, under the same paths: the module with its agent, and what tests write. */
const SHOWN = [CHECKOUT, tmpdir(), '/dev', '/proc'];

const ENTER = `
root=$1 shown=$2; shift 2
for folder in $shown; do
  mkdir -p "$root$folder" && mount --rbind "$folder" "$root$folder" || exit
done
exec chroot "$root" "$@"`;

/**
 * The command that runs a program of Debian 13. It has a mount namespace to itself, so that nothing stays mounted, but
 * this machine's processes, network and users.
 */
export function inTrixie(program: string, args: readonly string[]): [program: string, args: string[]] {
  const enter = ['--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'enter', ROOT, SHOWN.join(' ')];
  return ['unshare', [...enter, program, ...args]];
}

function canEnter(): boolean {
  try {
    const [program, args] = inTrixie('true', []);
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function obstacle(): string | undefined {
  if (!existsSync(join(ROOT, '.installed'))) return `${ROOT} is missing: sh scripts/set-up-clients says why`;
  if (!canEnter()) return `cannot enter ${ROOT}: that takes root and the right to mount`;
  return undefined;
}

/** Why nothing runs in Debian 13 here, said in one line; undefined when it does. @param whose names the tests */
export function whyNoTrixie(whose: string): string | undefined {
  const reason = obstacle();
  if (reason !== undefined) process.stderr.write(`${whose}: skipped: ${reason}\n`);
  return reason;
}

/** Makes the file that names a key of the site to pkcs11-provider, beside its certificate, `.key` instead of `.crt`. */
export async function writeKeyFile(site: Site, label: string, token: string): Promise<void> {
  const { certificate = '' } = site.keys.get(label) ?? {};
  const script = join(CHECKOUT, 'examples/openssl/key-pem.sh');
  const { stdout } = await mustRun('sh', [script, `pkcs11:token=${token};object=${label};type=private`]);
  writeFileSync(certificate.replace(/crt$/, 'key'), stdout);
}

/**
 * Files that name the site's keys, and the environment that makes OpenSSL 3.5 load the module through its provider. Always
 * the built module: the runtime of a sanitized one is this machine's.
 */
export async function providerSetting(site: Site): Promise<NodeJS.ProcessEnv> {
  for (const label of site.keys.keys()) await writeKeyFile(site, label, 'demo');
  const OPENSSL_CONF = site.fillIn('openssl/openssl-provider.cnf', 'openssl-provider.cnf', {
    '/usr/lib/libmhsm-pkcs11.so': BUILT_MODULE,
    'client-id:client-secret': site.offload.pin,
  });
  return { PATH: process.env.PATH, OPENSSL_CONF, MHSM_PKCS11_CONF: site.offload.configurationFile };
}
