import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority } from './authority.ts';
import { BIN, type Offload } from './offload.ts';
import { mustRun } from './process.ts';

export interface CertifiedKey {
  label: string;
  /** Name of the key in the HSM. */
  name: string;
  /** PEM file: its certificate, then that of the authority that issued it. */
  certificate: string;
}

/** What a server is given: where it finds the key, and what for. */
export interface Wanted {
  label: string;
  type: 'RSA' | 'EC';
  /** DNS name of the server. */
  serverName: string;
  /** Where the certificate goes, as PEM. */
  out: string;
}

const TYPES: Readonly<Record<'RSA' | 'EC', readonly string[]>> = { RSA: ['--RSA', '2K'], EC: ['--EC', 'P-256'] };

/** Has the request of a key in the HSM certified. */
export async function certify(offload: Offload, authority: Authority, wanted: Omit<Wanted, 'type'>): Promise<void> {
  const { label, serverName, out } = wanted;
  const request = join(authority.folder, `${label}.csr`);
  const args = ['csr', '--label', label, '--subject', `CN=${serverName}`, '--out', request];
  await mustRun(join(BIN, 'mhsm-p11'), args, { env: offload.toolEnvironment });
  writeFileSync(out, await authority.issue(request));
}

/** Makes a key in the HSM, lets the TLS offload principal use it, and has its request certified. */
export async function certifiedKey(offload: Offload, authority: Authority, wanted: Wanted): Promise<CertifiedKey> {
  const { label, type, out } = wanted;
  const key = await offload.createKey(...TYPES[type], '--label', label);
  await offload.grantUse(key);
  await certify(offload, authority, wanted);
  return { label, name: key.name, certificate: out };
}
