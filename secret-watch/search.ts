import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCHED_FOLDER, SECRETS_FILE } from './evidence.ts';

export interface Leak {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Whose secret: the secret itself is in no message. */
  readonly whose: string;
}

interface Secret {
  readonly whose: string;
  readonly secret: string;
}

const TOKEN = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/;

function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  const json = JSON.stringify(secret).slice(1, -1);
  const coded = [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
  return [...new Set([secret, encodeURIComponent(secret), form, json, ...coded])];
}

/** The characters of hexadecimal dumps: 16 bytes a line, so that a secret may stand on several. */
function dumped(text: string): string {
  const rows = [...text.matchAll(/[0-9a-f]{4} {2}((?:[0-9a-f]{2} ){1,16})/g)];
  return rows.map(([, hex = '']) => Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('utf8')).join('');
}

function secretsOf(folder: string): Secret[] {
  const file = join(folder, SECRETS_FILE);
  if (!existsSync(file)) return [];
  const lines = new Set(readFileSync(file, 'utf8').split('\n'));
  return [...lines].filter((line) => line !== '').map((line) => JSON.parse(line) as Secret);
}

const lineAt = (text: string, offset: number) => text.slice(0, offset).split('\n').length;

function leaksOfText(file: string, text: string, secrets: readonly Secret[]): Leak[] {
  const dump = dumped(text);
  const leaks: Leak[] = [];
  for (const { whose, secret } of secrets) {
    const at = spellingsOf(secret)
      .map((spelling) => text.indexOf(spelling))
      .find((offset) => offset !== -1);
    if (at !== undefined) leaks.push({ file, line: lineAt(text, at), whose });
    else if (dump.includes(secret)) leaks.push({ file, line: 1, whose: `${whose}, in a dump` });
  }
  return leaks;
}

/** What looks like a token is one in a log of the library, whoever used it. */
function tokensOfLog(file: string, text: string): Leak[] {
  const found = /MHSM-PKCS11-/.test(file) ? TOKEN.exec(text) : null;
  return found === null ? [] : [{ file, line: lineAt(text, found.index), whose: 'a token' }];
}

export interface Searched {
  readonly files: number;
  readonly secrets: number;
  readonly leaks: readonly Leak[];
}

/** Searches everything that a run left for every secret it used. */
export function searchEvidence(folder: string): Searched {
  const secrets = secretsOf(folder);
  const files = globSync(`${SEARCHED_FOLDER}/**/*`, { cwd: folder }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );
  const leaks = files.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...leaksOfText(file, text, secrets), ...tokensOfLog(file, text)];
  });
  return { files: files.length, secrets: secrets.length, leaks };
}
