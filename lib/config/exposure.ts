/** Whom a configuration file is open to. It says where PINs go, and may hold a secret itself. */

import type { Stats } from 'node:fs';
import type { Configuration } from './configuration.ts';

const WRITABLE_BY_OTHERS = 0o002;
const WRITABLE_BY_GROUP = 0o020;
const READABLE_BY_OTHERS = 0o004;

type Seen = Pick<Stats, 'mode' | 'uid' | 'gid'>;

/** Warnings, one line each. `own` is this process: its group may write what it may, as root's group what root may. */
export function exposures(
  file: string,
  { mode, uid, gid }: Seen,
  configuration: Configuration | undefined,
  own: { readonly uid: number; readonly gid: number },
): string[] {
  const decides = 'who writes it decides where PINs go';
  const hasSecret = configuration?.tokens.some(({ credential }) => credential?.clientSecret !== undefined) ?? false;
  const found: [boolean, string][] = [
    [uid !== 0 && uid !== own.uid, `belongs to user id ${uid}, and ${decides}: chown root ${file}`],
    [(mode & WRITABLE_BY_OTHERS) !== 0, `can be written by everybody, and ${decides}: chmod o-w ${file}`],
    [
      (mode & WRITABLE_BY_GROUP) !== 0 && gid !== 0 && gid !== own.gid,
      `can be written by group id ${gid}, and ${decides}: chmod g-w ${file}`,
    ],
    [
      hasSecret && (mode & READABLE_BY_OTHERS) !== 0,
      `holds a client secret and can be read by everybody: chmod o-r ${file}`,
    ],
  ];
  return found.flatMap(([is, line]) => (is ? [`${file} ${line}`] : []));
}
