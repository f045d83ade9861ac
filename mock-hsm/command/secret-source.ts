// Where a command takes a secret from. Never from its arguments: every user of the machine can read those.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { newSecret } from '../identity/directory.ts';

export const secretSourceHelp = 'stdin, env:NAME or file:PATH; without it one is made up and printed';

/** Reads a secret; one line break at its end is cut off. Throws an error that names the source when it is empty. */
export async function readSecret(source: string | undefined): Promise<string> {
  if (source === undefined) return newSecret();
  const value = (await contentOf(source)).replace(/\r?\n$/, '');
  if (value === '') throw new Error(`${source} holds no secret`);
  return value;
}

async function contentOf(source: string): Promise<string> {
  if (source === 'stdin') return text(process.stdin);
  const [, kind, name = ''] = /^(env|file):(.+)$/s.exec(source) ?? [];
  if (kind === 'env') return process.env[name] ?? '';
  if (kind === 'file') return readFileSync(name, 'utf8');
  throw new Error('a secret comes from stdin, env:NAME or file:PATH');
}
