/** The module as the model's steps meet it: a client, and which handles its sessions and keys have. */

import * as ck from '../../lib/pkcs11/constants.ts';
import { attribute, type Client, classIs, labelIs, RW } from '../client.ts';
import { type TestKey, testKeys } from '../keys.ts';
import type { Model } from './state.ts';

/** A handle that no session and no object has. */
const NOBODY = 0x7abc_def0;

export class Real {
  readonly client: Client;
  /** By the model's number of the session. */
  readonly sessions: number[] = [];
  readonly privateKeys = new Map<TestKey, number>();
  readonly publicKeys = new Map<TestKey, number>();

  constructor(client: Client) {
    this.client = client;
  }

  session(number: number): number {
    return this.sessions[number] ?? NOBODY;
  }

  privateKey(key: TestKey): number {
    return this.privateKeys.get(key) ?? NOBODY;
  }

  publicKey(key: TestKey): number {
    return this.publicKeys.get(key) ?? NOBODY;
  }

  /** Handles are looked up after every login: a module may give others. In a session of its own, which disturbs none. */
  async findKeys(): Promise<void> {
    const session = await this.client.open(RW);
    for (const key of testKeys) {
      const id = attribute(ck.CKA_ID, key.id);
      this.privateKeys.set(key, await this.client.findOne(session, classIs(ck.CKO_PRIVATE_KEY), id));
      this.publicKeys.set(key, await this.client.findOne(session, classIs(ck.CKO_PUBLIC_KEY), id));
    }
    await this.client.ok('closeSession', { session });
  }

  /** The keys as the next run expects them. */
  async restoreLabels(model: Model): Promise<void> {
    if (model.labels.size === 0) return;
    await this.client.call('closeAllSessions', { slot: this.client.subject.slot });
    const session = await this.client.enter();
    await this.findKeys();
    for (const key of model.labels.keys()) {
      const request = { session, object: this.privateKey(key), template: [labelIs(key.label)] };
      await this.client.ok('setAttributeValue', request);
    }
  }
}
