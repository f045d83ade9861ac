/** The certificates of a slot, and which key each belongs to in the eyes of one identity. */

import { equalBytes, toText } from '../tags/values.ts';
import type { CertificateObject } from './certificate.ts';
import type { Key } from './key.ts';
import type { KeyCatalogue } from './key-catalogue.ts';
import { publicKeyInfo } from './public-key.ts';

function holdsKeyOf(certificate: CertificateObject, key: Key): boolean {
  return key.publicKey !== undefined && equalBytes(publicKeyInfo(key.publicKey), certificate.publicKeyInfo);
}

function isNamed(key: Key, name: string): boolean {
  return key.name === name || toText(key.label('private')) === name;
}

export class CertificateShelf {
  readonly certificates: readonly CertificateObject[];
  readonly #keys: KeyCatalogue;
  readonly #matches = new Map<CertificateObject, Key>();

  constructor(certificates: readonly CertificateObject[], keys: KeyCatalogue) {
    this.certificates = certificates;
    this.#keys = keys;
  }

  known(handle: number): CertificateObject | undefined {
    return this.certificates.find((certificate) => certificate.handle === handle);
  }

  /**
   * The key whose public key the certificate holds, or undefined. Keys already read are tried first; the others are read
   * only then, once, and not at all where the configuration names the key. A match is remembered.
   */
  async keyOf(certificate: CertificateObject): Promise<Key | undefined> {
    const remembered = this.#matches.get(certificate);
    if (remembered !== undefined) return remembered;
    await this.#keys.refresh();
    const hint = certificate.source.key;
    const all = await this.#keys.presentable();
    const candidates = hint === undefined ? all : all.filter((key) => isNamed(key, hint));
    let match = candidates.find((key) => holdsKeyOf(certificate, key));
    if (match === undefined) {
      await this.#keys.readAll(candidates);
      match = candidates.find((key) => holdsKeyOf(certificate, key));
    }
    if (match !== undefined) this.#matches.set(certificate, match);
    return match;
  }
}
