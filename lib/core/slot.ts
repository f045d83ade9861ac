/** A slot and its token: one Managed HSM of the configuration. Shared by all applications. */

import { createHash } from 'node:crypto';
import * as ck from '../pkcs11/constants.ts';
import { type CertificateObject, type CertificateSource, parseCertificate } from './certificate.ts';
import { type Hsm, type HsmIdentity, MAX_PIN_BYTES } from './hsm.ts';
import type { Warn } from './key-catalogue.ts';
import { TokenAccess } from './token-access.ts';

export interface SlotOptions {
  /** CK_SLOT_ID. */
  slotId: number;
  /** Token label; at most 32 bytes of UTF-8 are shown. */
  label: string;
  hsm: Hsm;
  certificates?: readonly CertificateSource[];
  /** Whether C_DestroyObject may delete keys here; by default what the library says. */
  allowDestroy?: boolean;
}

export interface TokenOptions {
  allowDestroy: boolean;
  warn: Warn;
}

export interface SlotInfo {
  description: string;
  manufacturer: string;
  flags: number;
  hardwareMajor: number;
  hardwareMinor: number;
  firmwareMajor: number;
  firmwareMinor: number;
}

/** CK_TOKEN_INFO; text as it is, to be padded by who fills the structure. */
export type TokenInfo = ReturnType<Slot['tokenInfo']>;

export interface SessionCounts {
  sessionCount: number;
  rwSessionCount: number;
}

const MANUFACTURER = 'Azure Managed HSM';
const MODEL = 'Managed HSM';
/** The security officer's PIN is locked for good: there is none (CKR_PIN_LOCKED of C_Login). */
const TOKEN_FLAGS = ck.CKF_RNG | ck.CKF_TOKEN_INITIALIZED | ck.CKF_USER_PIN_INITIALIZED | ck.CKF_SO_PIN_LOCKED;
const VERSIONS = { hardwareMajor: 1, hardwareMinor: 0, firmwareMajor: 1, firmwareMinor: 0 };
/** CK_EFFECTIVELY_INFINITE (section 3.2). */
const EFFECTIVELY_INFINITE = 0;
/** Bytes; `client-id:client-secret` has about 77. */

/** The text cut to whole characters within a number of UTF-8 bytes. */
export function cutToBytes(text: string, bytes: number): string {
  const whole = Buffer.from(text, 'utf8');
  if (whole.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return whole.toString('utf8', 0, end);
}

export class Slot {
  readonly slotId: number;
  readonly hsm: Hsm;
  readonly #label: string;
  readonly #certificates: readonly CertificateObject[];
  readonly #options: TokenOptions;
  readonly #accesses = new WeakMap<HsmIdentity, TokenAccess>();

  constructor(slot: SlotOptions, options: TokenOptions) {
    this.slotId = slot.slotId;
    this.hsm = slot.hsm;
    this.#label = slot.label;
    this.#options = options;
    this.#certificates = (slot.certificates ?? []).flatMap((source, index) => {
      const certificate = parseCertificate(source);
      if (certificate === undefined) {
        options.warn(
          `certificate ${index + 1} of slot ${slot.slotId} is left out, it is not DER of an X.509 certificate`,
        );
      }
      return certificate ?? [];
    });
  }

  /** What an identity sees here. One a identity, so that all applications share what was read. */
  accessOf(identity: HsmIdentity): TokenAccess {
    const existing = this.#accesses.get(identity);
    if (existing !== undefined) return existing;
    const access = new TokenAccess(identity, { ...this.#options, certificates: this.#certificates });
    this.#accesses.set(identity, access);
    return access;
  }

  /** What is seen without a login: everything where the slot has an identity of its own, else nothing. */
  get ownAccess(): TokenAccess | undefined {
    return this.hsm.ownIdentity === undefined ? undefined : this.accessOf(this.hsm.ownIdentity);
  }

  /** CK_SLOT_INFO (section 3.2). */
  info(): SlotInfo {
    return {
      description: cutToBytes(this.hsm.url, 64),
      manufacturer: MANUFACTURER,
      flags: ck.CKF_TOKEN_PRESENT | ck.CKF_HW_SLOT,
      ...VERSIONS,
    };
  }

  /**
   * CK_TOKEN_INFO (section 3.2). A slot with an identity of its own lacks CKF_LOGIN_REQUIRED, so that nobody asks for a
   * PIN. The counts are those of the calling application. No clock: utcTime is empty.
   */
  tokenInfo(counts: SessionCounts) {
    const needsLogin = this.hsm.ownIdentity === undefined;
    return {
      label: cutToBytes(this.#label, 32),
      manufacturer: MANUFACTURER,
      model: MODEL,
      serialNumber: createHash('sha256').update(this.hsm.url).digest('hex').slice(0, 16),
      flags: TOKEN_FLAGS | (needsLogin ? ck.CKF_LOGIN_REQUIRED : 0),
      maxSessionCount: EFFECTIVELY_INFINITE,
      maxRwSessionCount: EFFECTIVELY_INFINITE,
      ...counts,
      maxPinLen: MAX_PIN_BYTES,
      minPinLen: needsLogin ? 1 : 0,
      totalPublicMemory: ck.CK_UNAVAILABLE_INFORMATION,
      freePublicMemory: ck.CK_UNAVAILABLE_INFORMATION,
      totalPrivateMemory: ck.CK_UNAVAILABLE_INFORMATION,
      freePrivateMemory: ck.CK_UNAVAILABLE_INFORMATION,
      ...VERSIONS,
      utcTime: '',
    };
  }
}
