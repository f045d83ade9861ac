import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigurationError, type Parsed, parseConfiguration } from './parse.ts';

export const DEFAULT_FILE = '/etc/mhsm-pkcs11.conf';

/** Absolute path of the configuration: MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf. */
export function configurationFile(environment: NodeJS.ProcessEnv): string {
  return resolve(environment.MHSM_PKCS11_CONF || DEFAULT_FILE);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

/** Reads and parses the file. Throws ConfigurationError (CKR_GENERAL_ERROR). */
export function loadConfiguration(file: string): Parsed {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(
      `cannot read the configuration ${file}: ${REASONS[code] ?? message}`,
      `set MHSM_PKCS11_CONF to the file's path, or write ${DEFAULT_FILE} (see examples/mhsm-pkcs11.conf)`,
      error,
    );
  }
  return parseConfiguration(text, file);
}
