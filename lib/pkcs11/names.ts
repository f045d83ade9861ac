import * as constants from './constants.ts';
import * as vendorAttributes from './vendor-attributes.ts';

export type Family = 'CKR' | 'CKO' | 'CKK' | 'CKC' | 'CKA' | 'CKM' | 'CKG' | 'CKS' | 'CKU';

const byFamily = new Map<string, Map<number, string>>();
for (const [name, value] of Object.entries({ ...constants, ...vendorAttributes })) {
  const family = name.slice(0, 3);
  const names = byFamily.get(family) ?? new Map<number, string>();
  if (!names.has(value)) names.set(value, name);
  byFamily.set(family, names);
}

/** The constant's name with its number, for logs and messages: `CKR_KEY_HANDLE_INVALID 0x60`, or `CKM 0x80000001`. */
export function nameOf(family: Family, value: number): string {
  const name = byFamily.get(family)?.get(value) ?? family;
  return `${name} 0x${value.toString(16)}`;
}

/** The constant's name alone, for who counts by it; a number that has none gives the family's. */
export function bareNameOf(family: Family, value: number): string {
  return byFamily.get(family)?.get(value) ?? family;
}

/** Whether the specification has a constant of this value. */
export function isNamed(family: Family, value: number): boolean {
  return byFamily.get(family)?.has(value) === true;
}

/** The number of a constant by its full name (`CKA_LABEL`), or undefined. */
export function constantOf(family: Family, name: string): number | undefined {
  if (!name.startsWith(`${family}_`)) return undefined;
  const value = (constants as Record<string, number>)[name];
  return value;
}
