// The certificate that the server shows, and those it can be made to show instead.
import { X509Certificate } from 'node:crypto';
import { keptSetting, writeSetting } from '../store/settings.ts';
import type { Store } from '../store/store.ts';
import { type Certificate, makeAuthority, makeServerCertificate } from './certificate-authority.ts';

const dayMs = 86_400_000;
const settingName = 'serverCertificate';

interface Kept extends Certificate {
  readonly names: readonly string[];
}

/** What can be wrong with a certificate: when it was made, for whom, and by which CA. */
const kinds = {
  /** As at the start, with a new key. */
  renewed: {},
  newAuthority: { ofNewAuthority: true },
  expired: { madeDaysAgo: 500 },
  notYetValid: { madeDaysAgo: -30 },
  wrongName: { names: ['wrong.example'] },
} as const satisfies Record<string, { ofNewAuthority?: boolean; madeDaysAgo?: number; names?: readonly string[] }>;

export type CertificateKind = keyof typeof kinds;

export const certificateKinds = Object.keys(kinds) as [CertificateKind, ...CertificateKind[]];

export class ServerCertificates {
  readonly #authority: Certificate;
  readonly #names: readonly string[];
  readonly #store: Store;
  #shown: { kind: CertificateKind; certificate: Certificate; caPem: string } | undefined;

  /** @param names host names and addresses that the server answers to */
  constructor(authority: Certificate, names: readonly string[], store: Store) {
    this.#authority = authority;
    this.#names = names;
    this.#store = store;
  }

  /** The one to begin with: that of the start before, while it lasts and has these names. A new key takes time. */
  async first(): Promise<Certificate> {
    const make = async () => JSON.stringify({ names: this.#names, ...(await this.make('renewed')) } satisfies Kept);
    const kept = JSON.parse(await keptSetting(this.#store, settingName, make)) as Kept;
    const endMs = Date.parse(new X509Certificate(kept.certPem).validTo);
    if (endMs - Date.now() < dayMs || kept.names.join() !== this.#names.join()) {
      const text = await make();
      writeSetting(this.#store, settingName, text);
      return JSON.parse(text) as Kept;
    }
    this.#shown = { kind: 'renewed', certificate: kept, caPem: this.#authority.certPem };
    return kept;
  }

  /** Makes one, which is the one to show from now on. */
  async make(kind: CertificateKind): Promise<Certificate> {
    const { ofNewAuthority = false, madeDaysAgo = 0, names = this.#names } = this.#plan(kind);
    const authority = ofNewAuthority ? await makeAuthority(new Date()) : this.#authority;
    const certificate = await makeServerCertificate(authority, names, new Date(Date.now() - madeDaysAgo * dayMs));
    this.#shown = { kind, certificate, caPem: authority.certPem };
    return certificate;
  }

  /** What is shown: its kind, the CA a client would have to trust, and what the certificate says. */
  describe() {
    if (this.#shown === undefined) return undefined;
    const { kind, certificate, caPem } = this.#shown;
    const { validFrom, validTo, subjectAltName, fingerprint256 } = new X509Certificate(certificate.certPem);
    return { kind, validFrom, validTo, subjectAltName, fingerprint256, caPem };
  }

  #plan(kind: CertificateKind): { ofNewAuthority?: boolean; madeDaysAgo?: number; names?: readonly string[] } {
    return kinds[kind];
  }
}
