import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/parse.ts';
import type { CertificateSource } from '../core/certificate.ts';
import type { Hsm } from '../core/hsm.ts';
import { Library } from '../core/library.ts';
import type { HsmOptions } from '../mhsm/endpoint.ts';
import { createHsm } from '../mhsm/hsm.ts';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** DER of every certificate in the token's PEM files. Throws ConfigurationError that names the file. */
export function certificatesOf({ certificates, path }: TokenConfiguration): CertificateSource[] {
  return certificates.flatMap((file, i) => {
    try {
      const blocks = readFileSync(file, 'utf8').match(PEM_CERTIFICATE);
      if (blocks === null) throw new Error('it holds no PEM certificate');
      return blocks.map((block) => ({ der: new X509Certificate(block).raw }));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ConfigurationError(
        `cannot use ${path}.certificates[${i}] ${file}: ${why}`,
        'name PEM files that the agent may read',
        error,
      );
    }
  });
}

export interface LibraryWatch extends HsmOptions {
  /** Stands before each HSM, to see what the core asks of it. */
  readonly watch?: (hsm: Hsm) => Hsm;
}

/** The library that a configuration describes, over REST; `close` gives its connections back. Nothing is sent yet. */
export function openLibrary(
  configuration: Configuration,
  warn: (line: string) => void,
  { watch = (hsm) => hsm, ...options }: LibraryWatch = {},
): { library: Library; close: () => Promise<void> } {
  const hsms = configuration.tokens.map((token) => createHsm(token, configuration, { ...options, log: warn }));
  const library = new Library({
    slots: configuration.tokens.map((token, i) => {
      const hsm = hsms[i];
      if (hsm === undefined) throw new Error(`no HSM for ${token.path}`);
      return {
        slotId: token.slotid,
        label: token.label,
        hsm: watch(hsm),
        certificates: certificatesOf(token),
        allowDestroy: token.allowDestroy,
      };
    }),
    random: (bytes) => randomBytes(bytes),
    warn,
  });
  return { library, close: async () => void (await Promise.all(hsms.map((hsm) => hsm.close()))) };
}
