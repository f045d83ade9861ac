import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/parse.ts';
import type { CertificateSource } from '../core/certificate.ts';
import type { Hsm } from '../core/hsm.ts';
import { Library } from '../core/library.ts';
import type { HsmOptions } from '../mhsm/endpoint.ts';
import { createHsm, type HsmObserver } from '../mhsm/hsm.ts';
import type { ServedSlot } from './status.ts';

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
  /** Who counts what happens on the way to the HSM of a slot. */
  readonly observerOf?: (slotId: number) => HsmObserver;
}

/** The library that a configuration describes, over REST; `close` gives its connections back. Nothing is sent yet. */
export function openLibrary(
  configuration: Configuration,
  warn: (line: string) => void,
  { watch = (hsm) => hsm, observerOf, ...options }: LibraryWatch = {},
): { library: Library; served: readonly ServedSlot[]; close: () => Promise<void> } {
  const served = configuration.tokens.map((token) => ({
    token,
    hsm: createHsm(token, configuration, { ...options, log: warn, observer: observerOf?.(token.slotid) }),
  }));
  const library = new Library({
    slots: served.map(({ token, hsm }) => ({
      slotId: token.slotid,
      label: token.label,
      hsm: watch(hsm),
      certificates: certificatesOf(token),
      allowDestroy: token.allowDestroy,
    })),
    random: (bytes) => randomBytes(bytes),
    warn,
  });
  return { library, served, close: async () => void (await Promise.all(served.map(({ hsm }) => hsm.close()))) };
}
