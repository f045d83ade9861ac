/** Options that several programs take, and how their values are read. */
import type { Command } from 'commander';
import { MAX_TAG_CHARACTERS } from '../tags/codec.ts';
import { ofText, startOfDay } from '../tags/values.ts';
import { UsageError } from './program.ts';

/** Which token, and as whom. */
export interface TokenChoice {
  slot?: string;
  identity?: boolean;
}

/** Which key of the token. */
export interface KeyChoice {
  label?: string;
  id?: string;
  name?: string;
}

export const IDENTITY_HELP = 'use the managed identity (msi.MSIClientID of the configuration, else system-assigned)';

export function withTokenOptions<T extends Command>(command: T): T {
  return command
    .option('--slot <number>', 'slotid of the token (default: the first in the configuration)')
    .option('--identity', IDENTITY_HELP);
}

export function withKeyOptions<T extends Command>(command: T): T {
  return command
    .option('--label <label>', 'CKA_LABEL of the key')
    .option('--id <hex>', 'CKA_ID of the key')
    .option('--name <name>', 'name of the key in the HSM');
}

/** Collects the values of an option that may be given again. */
export function collected(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

/** The number of a --slot option. Throws UsageError. */
export function slotOption(slot: string | undefined): number | undefined {
  if (slot === undefined) return undefined;
  if (!/^\d{1,15}$/.test(slot))
    throw new UsageError(`--slot ${slot} is not a number`, 'give the slotid of a token in the configuration');
  return Number(slot);
}

/** What Node makes of bytes in an argument that are not UTF-8. */
const NOT_UTF8 = '\ufffd';

/** The CKA_LABEL of a --label option for a new key. Throws UsageError for what would be stored as another label. */
export function labelOption(label: string): Uint8Array {
  if (label.includes(NOT_UTF8)) throw new UsageError(`--label ${label} is not UTF-8`, 'give it as UTF-8 text');
  if (label.length > MAX_TAG_CHARACTERS)
    throw new UsageError(
      `--label has ${label.length} characters`,
      `it is kept in a tag: give at most ${MAX_TAG_CHARACTERS}`,
    );
  return ofText(label);
}

/** The name of a new key of a --name option. Throws UsageError. */
export function keyNameOption(name: string): Uint8Array {
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name))
    throw new UsageError(`--name ${name} cannot be the name of a key`, 'give 1 to 127 letters, digits and hyphens');
  return ofText(name);
}

/** The bytes of an option with a CKA_ID, which must fit in a tag. Throws UsageError. */
export function idOption(hex: string, option = '--id'): Uint8Array {
  if (hex.length > MAX_TAG_CHARACTERS) {
    throw new UsageError(
      `${option} has ${hex.length} digits, and a tag of a key holds ${MAX_TAG_CHARACTERS}`,
      'give a shorter one',
    );
  }
  if (!/^([0-9a-f]{2})+$/i.test(hex))
    throw new UsageError(`${option} ${hex} is not hexadecimal`, 'give pairs of 0-9 and a-f');
  return Buffer.from(hex, 'hex');
}

/** `YYYYMMDD` of an option's day, which no HSM and no certificate takes before 1970. Throws UsageError. */
export function dayOption(option: string, day: string): string {
  const digits = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day)?.slice(1).join('') ?? '';
  const seconds = startOfDay(digits);
  if (seconds === undefined)
    throw new UsageError(`--${option} ${day} is not a day`, 'give one that exists, as YYYY-MM-DD');
  if (seconds < 0) throw new UsageError(`--${option} ${day} is before 1970`, 'give a day from 1970-01-01 on');
  return digits;
}

/** A whole number from 1 to `max`. Throws UsageError. */
export function countOption(option: string, text: string, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw new UsageError(`--${option} ${text} is not a whole number from 1 to ${max}`, 'correct it');
}
