import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, type Service, startService } from './process.ts';

const CA_EXTENSIONS = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';

/** What `openssl ca` asks of its configuration. */
const CONFIGURATION = (folder: string): string => `
[ca]
default_ca = issuing
[issuing]
database = ${folder}/index.txt
new_certs_dir = ${folder}
rand_serial = yes
default_md = sha256
default_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`;

/** A certificate with its key, as files. */
export interface Identity {
  certificate: string;
  key: string;
}

/** A certification authority of two levels, made of files, with an OCSP responder. Its keys are not in the HSM. */
export class Authority {
  readonly folder: string;
  #ocsp: Service | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes it in `folder`, which must be private, and starts its responder. */
  static async start(folder: string): Promise<Authority> {
    mkdirSync(folder, { recursive: true });
    const authority = new Authority(folder);
    writeFileSync(authority.#file('index.txt'), '');
    writeFileSync(authority.#file('ca.cnf'), CONFIGURATION(folder));
    writeFileSync(authority.#file('ca.ext'), CA_EXTENSIONS);
    const root = authority.#identity('root');
    await authority.#newKey('root', 'Example Root', ['-x509', '-days', '30']);
    await authority.#newKey('issuing', 'Example Issuing');
    const signer = ['-CA', root.certificate, '-CAkey', root.key, '-CAcreateserial', '-days', '30'];
    const files = ['-in', authority.#file('issuing.csr'), '-out', authority.#identity('issuing').certificate];
    await mustRun('openssl', ['x509', '-req', ...signer, '-extfile', authority.#file('ca.ext'), ...files]);
    authority.#ocsp = await startService('openssl', ['ocsp', ...authority.#responder, '-port', '0']);
    return authority;
  }

  #file(name: string): string {
    return join(this.folder, name);
  }

  #identity(name: string): Identity {
    return { certificate: this.#file(`${name}.crt`), key: this.#file(`${name}.key`) };
  }

  /** A key in a file, and a request for it, or with `-x509` its certificate. */
  async #newKey(name: string, subject: string, args: readonly string[] = []): Promise<void> {
    const { certificate, key } = this.#identity(name);
    const out = args.includes('-x509') ? certificate : this.#file(`${name}.csr`);
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
    await mustRun('openssl', ['req', '-new', ...kind, '-subj', `/CN=${subject}`, ...args, '-out', out]);
  }

  /** What clients trust. */
  get root(): string {
    return this.#identity('root').certificate;
  }

  /** The certificate that signed all others. */
  get issuer(): string {
    return this.#identity('issuing').certificate;
  }

  /** Issues what a request asks for; gives the certificate, followed by its issuer's, as PEM. */
  async issue(request: string): Promise<string> {
    const leaf = `${request}.leaf`;
    const extensions = this.#file('leaf.ext');
    writeFileSync(extensions, `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${this.ocspPort}\n`);
    const { certificate, key } = this.#identity('issuing');
    const how = ['-batch', '-notext', '-config', this.#file('ca.cnf'), '-cert', certificate, '-keyfile', key];
    await mustRun('openssl', ['ca', ...how, '-extfile', extensions, '-in', request, '-out', leaf]);
    await this.#readIndex(leaf);
    return readFileSync(leaf, 'utf8') + readFileSync(certificate, 'utf8');
  }

  /** openssl's responder reads its index after a request, for the next one: the first about a new certificate gets `unknown`. */
  async #readIndex(leaf: string): Promise<void> {
    const about = ['-issuer', this.issuer, '-cert', leaf, '-url', `http://127.0.0.1:${this.ocspPort}`];
    await mustRun('openssl', ['ocsp', ...about, '-noverify']);
  }

  /** An identity for a client, its key in a file. */
  async issueToClient(name: string): Promise<Identity> {
    await this.#newKey(name, name);
    const identity = this.#identity(name);
    writeFileSync(identity.certificate, await this.issue(this.#file(`${name}.csr`)));
    return identity;
  }

  /** Port of the responder that the certificates name. */
  get ocspPort(): number {
    return Number(/ACCEPT .*:(\d+)/.exec(this.#ocsp?.firstLine ?? '')?.[1]);
  }

  get #responder(): string[] {
    const { certificate, key } = this.#identity('issuing');
    return [
      '-index',
      this.#file('index.txt'),
      '-CA',
      certificate,
      '-rsigner',
      certificate,
      '-rkey',
      key,
      '-ndays',
      '1',
    ];
  }

  /** An answer about the first certificate of each file, made without a responder: what servers staple from a file. */
  async ocspAnswer(certificates: readonly string[], out: string): Promise<void> {
    const about = ['-issuer', this.issuer, ...certificates.flatMap((certificate) => ['-cert', certificate])];
    await mustRun('openssl', ['ocsp', ...this.#responder, ...about, '-noverify', '-respout', out]);
  }

  /** What openssl says of an OCSP answer, once it has checked who signed it, about the first certificate of a file: `good`. */
  async statusOf(certificate: string, answer: Buffer): Promise<string | undefined> {
    const file = this.#file('answer.der');
    writeFileSync(file, answer);
    const about = ['-issuer', this.issuer, '-cert', certificate, '-CAfile', this.root];
    const { stdout } = await mustRun('openssl', ['ocsp', '-no_nonce', '-respin', file, ...about]);
    return /: (.*)$/m.exec(stdout)?.[1];
  }

  async stop(): Promise<void> {
    await this.#ocsp?.stop();
  }
}
