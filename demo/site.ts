import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { Authority } from './authority.ts';
import { type CertifiedKey, certifiedKey, type Wanted } from './certified-keys.ts';
import { type HandshakeKind, shakeHands } from './handshake.ts';
import type { LoggedRequest } from './mock.ts';
import { fromExample } from './nginx.ts';
import { type ConfigurationChanges, EC_LABEL, Offload, RSA_LABEL, SERVER_NAME } from './offload.ts';
import { type Visit, visit } from './tls-client.ts';

export const SECOND_NAME = 'shop.example.com';
export const SECOND_LABEL = 'shopRsa';

/** What a TLS server of an example serves: two names, the first with an RSA and an EC key, certified by an authority. */
const KEYS: readonly (Pick<Wanted, 'label' | 'type' | 'serverName'> & { file: string })[] = [
  { label: RSA_LABEL, type: 'RSA', serverName: SERVER_NAME, file: 'rsa.crt' },
  { label: EC_LABEL, type: 'EC', serverName: SERVER_NAME, file: 'ec.crt' },
  { label: SECOND_LABEL, type: 'RSA', serverName: SECOND_NAME, file: 'shop.crt' },
];

/** A folder for one server with certificates in `tls/`, the mock HSM behind it, and clients that count its signatures. */
export class Site {
  readonly folder: string;
  readonly offload: Offload;
  readonly authority: Authority;
  /** By label. */
  readonly keys = new Map<string, CertifiedKey>();

  private constructor(folder: string, offload: Offload, authority: Authority) {
    this.folder = folder;
    this.offload = offload;
    this.authority = authority;
  }

  /** @param program names the folder, for those who look into it */
  static async start(program: string, changes: ConfigurationChanges = {}): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), `mhsm-${program}-`));
    mkdirSync(join(folder, 'tls'));
    const offload = await Offload.start(folder, changes);
    await offload.grantReading();
    const site = new Site(folder, offload, await Authority.start(join(folder, 'authority')));
    for (const { file, ...key } of KEYS) {
      const out = site.file(`tls/${file}`);
      site.keys.set(key.label, await certifiedKey(offload, site.authority, { ...key, out }));
    }
    return site;
  }

  /** Path of a file of the folder. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file that the owner alone may read; gives its path. */
  write(name: string, content: string): string {
    writeFileSync(this.file(name), content, { mode: 0o600 });
    return this.file(name);
  }

  /** The authority's certificates as a file: what servers check those of clients against, or OCSP answers. */
  writeAuthority(name: string): string {
    const { issuer, root } = this.authority;
    return this.write(name, readFileSync(issuer, 'utf8') + readFileSync(root, 'utf8'));
  }

  /** An example as the file `name`, with what its user is told to change; gives its path. */
  fillIn(example: string, name: string, replacements: Readonly<Record<string, string>>): string {
    return this.write(name, fromExample(example, replacements));
  }

  /** The signatures that the HSM made for the server during `work`. */
  async signsDuring(work: () => Promise<unknown>, { mock }: Offload = this.offload): Promise<LoggedRequest[]> {
    const before = await mock.sequence();
    await work();
    const { clientId } = mock.offload;
    const requests = await mock.requests(before);
    return requests.filter((request) => request.operation === 'sign' && request.clientId === clientId);
  }

  /** A handshake of one kind with the first name by openssl's client; gives the signatures that it took. */
  handshake(port: number, kind: HandshakeKind): Promise<LoggedRequest[]> {
    return this.signsDuring(() => shakeHands(port, kind, this.authority.root, SERVER_NAME));
  }

  /** What `handshake` gives when the HSM made the signature: one, by the key of that kind. */
  signatureOf({ key, algorithm }: HandshakeKind): Partial<LoggedRequest>[] {
    return [{ status: 200, algorithm, key: this.keys.get(key === 'RSA' ? RSA_LABEL : EC_LABEL)?.name ?? '' }];
  }

  /** A client that trusts the authority and asks for the first name, unless told otherwise. */
  visit(port: number, options: ConnectionOptions = {}): Promise<Visit> {
    return visit(port, { ca: readFileSync(this.authority.root), servername: SERVER_NAME, ...options });
  }

  async stop(): Promise<void> {
    await this.authority.stop();
    await this.offload.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
