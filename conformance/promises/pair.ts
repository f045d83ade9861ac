/** A pair of keys that signs and verifies with one mechanism, in a session with the user logged in. */

import * as fc from 'fast-check';
import { CKR_OK } from '../../lib/pkcs11/constants.ts';
import type { Mechanism } from '../../lib/wire/schema.ts';
import { type Client, ROOM } from '../client.ts';
import { privateKey, publicKey } from '../keys.ts';
import { hashingSchemes, type SignatureScheme, signatureSchemes } from '../signature-schemes.ts';

export const anyScheme = fc.constantFrom(...signatureSchemes);
export const hashingScheme = fc.constantFrom(...hashingSchemes);
export const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
export const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 150 }), { minLength: 1, maxLength: 6 });
export const anyMessage = fc.record({ scheme: anyScheme, text: message });

export class Pair {
  readonly #client: Client;
  readonly mechanism: Mechanism;
  readonly session: number;
  readonly signing: number;
  readonly verifying: number;

  private constructor(client: Client, mechanism: Mechanism, [session, signing, verifying]: [number, number, number]) {
    this.#client = client;
    this.mechanism = mechanism;
    this.session = session;
    this.signing = signing;
    this.verifying = verifying;
  }

  /** Leaves the input out where another library does not have the mechanism. */
  static async of(client: Client, { key, mechanism }: Pick<SignatureScheme, 'key' | 'mechanism'>): Promise<Pair> {
    await client.needs(mechanism);
    const session = await client.enter();
    const [signing, verifying] = [await privateKey(client, session, key), await publicKey(client, session, key)];
    return new Pair(client, mechanism, [session, signing, verifying]);
  }

  /** What C_SignInit or C_VerifyInit is given. */
  start(name: 'signInit' | 'verifyInit', mechanism = this.mechanism) {
    return { session: this.session, mechanism, key: name === 'signInit' ? this.signing : this.verifying };
  }

  async begin(name: 'signInit' | 'verifyInit'): Promise<void> {
    await this.#client.ok(name, this.start(name));
  }

  sign(data: Uint8Array): Promise<Uint8Array> {
    return this.#client.sign(this.session, this.mechanism, this.signing, data);
  }

  async signInParts(texts: readonly Uint8Array[]): Promise<Uint8Array> {
    const { session } = this;
    await this.begin('signInit');
    for (const part of texts) await this.#client.ok('signUpdate', { session, part });
    const { signature } = await this.#client.ok('signFinal', { session, signature: ROOM });
    return signature.bytes ?? new Uint8Array(0);
  }

  /** Holds that C_Verify gives the code. */
  async verifies(data: Uint8Array, signature: Uint8Array, code = CKR_OK): Promise<void> {
    await this.begin('verifyInit');
    await this.#client.gives(code, 'verify', { session: this.session, data, signature });
  }
}
