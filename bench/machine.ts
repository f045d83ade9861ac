/** What a result was measured on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../demo/process.ts';
import packageJson from '../package.json' with { type: 'json' };
import { buildOf, MEASURED_WITH } from './build.ts';
import type { Result } from './result.ts';

const ROOT = join(import.meta.dirname, '..');

async function firstMatch(pattern: RegExp, program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await runProgram(program, args, { cwd: ROOT, timeoutMs: 10_000 });
  return pattern.exec(stdout + stderr)?.[1] ?? 'missing';
}

const build = (name: keyof typeof MEASURED_WITH): string => `build ${buildOf(ROOT, MEASURED_WITH[name])}`;

/** Version, what it was built from, and commit where there is one: two builds with the same name measure the same. */
async function ownVersion(): Promise<string> {
  const commit = await firstMatch(/^([0-9a-f]{7,})/, 'git', 'rev-parse', '--short', 'HEAD');
  const parts = [packageJson.version, build('mhsm-pkcs11')];
  return [...parts, ...(commit === 'missing' ? [] : [`commit ${commit}`])].join(', ');
}

export async function describeMachine(): Promise<Result['machine']> {
  const [system = type()] = /(?<=^PRETTY_NAME=").*(?=")/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 1024 ** 2),
    system: `${system}, ${type()} ${release()}`,
    programs: {
      'mhsm-pkcs11': await ownVersion(),
      'mock-hsm': build('mock-hsm'),
      bench: build('bench'),
      node: process.version.slice(1),
      nginx: await firstMatch(/nginx\/(\S+)/, '/usr/sbin/nginx', '-v'),
      openssl: await firstMatch(/^OpenSSL (\S+)/, 'openssl', 'version'),
      softhsm2: await firstMatch(/^(\S+)/, 'softhsm2-util', '--version'),
    },
  };
}
