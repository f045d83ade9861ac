/** The library: slots shared by all, and an application for each client process. */

import { Application } from './application.ts';
import type { Warn } from './key-catalogue.ts';
import type { Random } from './key-generation.ts';
import { slotIdInvalid } from './refusals.ts';
import { withListedCodes } from './return-codes.ts';
import type { SessionAllowance } from './session.ts';
import { Slot, type SlotOptions } from './slot.ts';

export interface LibraryOptions {
  slots: readonly SlotOptions[];
  /** Unpredictable bytes: key names, and C_GenerateRandom before a login. */
  random: Random;
  /** Whether C_DestroyObject may delete keys. */
  allowDestroy?: boolean;
  /** Takes lines for the operator, without a line end. */
  warn?: Warn;
}

/** Slots, and who uses them. `createApplication` gives the functions of one client. */
export class Library {
  readonly random: Random;
  readonly warn: Warn;
  readonly #slots: ReadonlyMap<number, Slot>;

  constructor({ slots, random, allowDestroy = false, warn = () => undefined }: LibraryOptions) {
    this.random = random;
    this.warn = warn;
    this.#slots = new Map(
      slots.map((slot) => [slot.slotId, new Slot(slot, { allowDestroy: slot.allowDestroy ?? allowDestroy, warn })]),
    );
  }

  /** In the order of the configuration. */
  get slotIds(): number[] {
    return [...this.#slots.keys()];
  }

  /** CKR_SLOT_ID_INVALID. */
  slot(slotId: number): Slot {
    const slot = this.#slots.get(slotId);
    if (slot === undefined) throw slotIdInvalid(slotId);
    return slot;
  }

  /**
   * The functions for one client process, with sessions (as many as it may have) and logins of its own. They give no code
   * but those that the specification lists for them.
   */
  createApplication(sessions?: SessionAllowance): Application {
    return withListedCodes(new Application(this, sessions));
  }
}
