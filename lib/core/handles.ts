/**
 * Object handles: 52 bits, the same in every process, after every restart and on every host, so that a server can go on
 * with the handle it has. They are a hash, never a table:
 *
 *     26 bits of SHA-256(key name) | 24 further bits of it plus the creation time | 2 bits of the object's class
 *
 * The list of keys gives no version id, but the creation time of the newest version; that time stands for the version.
 * Two versions of a key made within one second are thus one object, and so are two exactly 194 days apart (2^24 s). Of 5,000 keys, two share a handle with a probability
 * of 10^-8; the catalogue of keys then shows the first by name and says so.
 */

import { createHash, hash } from 'node:crypto';

/** The two lowest bits of a handle. Zero is no class, so that no handle is CK_INVALID_HANDLE. */
export const HANDLE_CLASS = { private: 1, public: 2, certificate: 3 } as const;
export type HandleClass = keyof typeof HANDLE_CLASS;

const VERSION_VALUES = 2 ** 24;
const CLASS_VALUES = 4;

interface KeyVersionBits {
  nameBits: number;
  versionBits: number;
}

/** 26 bits that stand for a key name, and 24 that stand for a version of it: its creation time in unix seconds. */
export function bitsOf(name: string, created: number): KeyVersionBits {
  const digest = hash('sha256', name, 'buffer');
  return {
    nameBits: digest.readUInt32BE(0) >>> 6,
    // Twice, for an HSM that gives a time before 1970.
    versionBits: (((digest.readUIntBE(4, 3) + created) % VERSION_VALUES) + VERSION_VALUES) % VERSION_VALUES,
  };
}

/** The handle of one object of a key version. */
export function handleOf(name: string, created: number, handleClass: HandleClass): number {
  const { nameBits, versionBits } = bitsOf(name, created);
  return (nameBits * VERSION_VALUES + versionBits) * CLASS_VALUES + HANDLE_CLASS[handleClass];
}

/** The handle of another object of the same key version, without hashing again. */
export function handleOfClass(handle: number, handleClass: HandleClass): number {
  return handle - (handle % CLASS_VALUES) + HANDLE_CLASS[handleClass];
}

/** A certificate's handle: its name is its SHA-256, and it has one version. */
export function certificateHandle(certificate: Uint8Array): number {
  return handleOf(createHash('sha256').update(certificate).digest('hex'), 0, 'certificate');
}

export interface HandleParts extends KeyVersionBits {
  handleClass: HandleClass;
}

/** What a handle is made of, or undefined for a number that no object of ours can have. */
export function partsOf(handle: number): HandleParts | undefined {
  if (!Number.isSafeInteger(handle) || handle <= 0 || handle >= 2 ** 52) return undefined;
  const handleClass = (['private', 'public', 'certificate'] as const).find((it) => HANDLE_CLASS[it] === handle % 4);
  if (handleClass === undefined) return undefined;
  const rest = Math.floor(handle / CLASS_VALUES);
  return { nameBits: Math.floor(rest / VERSION_VALUES), versionBits: rest % VERSION_VALUES, handleClass };
}
