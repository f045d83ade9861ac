import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { exposures } from './exposure.ts';
import { accepted, ConfigurationError, type Examined, examineConfiguration, type Parsed } from './parse.ts';

export const DEFAULT_FILE = '/etc/mhsm-pkcs11.conf';

/** Absolute path of the configuration: MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf. */
export function configurationFile(environment: NodeJS.ProcessEnv): string {
  return resolve(environment.MHSM_PKCS11_CONF || DEFAULT_FILE);
}

const MAX_BYTES = 1_048_576;

/** One row for each reason why a file cannot be read: in words, and the cure. */
const REASONS: Readonly<Record<string, { why: string; cure: (file: string) => string }>> = {
  ENOENT: {
    why: 'there is no such file',
    cure: () =>
      `set MHSM_PKCS11_CONF to the path of the file, or write ${DEFAULT_FILE} (see examples/mhsm-pkcs11.conf)`,
  },
  EACCES: {
    why: 'this user may not read it',
    cure: (file) => `run as a user that may read it, or let this one: namei -l ${file} shows who may`,
  },
  EISDIR: {
    why: 'it is a folder',
    cure: (file) => `give the path of the file, such as ${resolve(file, 'mhsm-pkcs11.conf')}`,
  },
  ENOTDIR: {
    why: 'there is no such file',
    cure: () => 'a part of the path before the last is no folder: correct it',
  },
};

/** What is said about a file that cannot be read. */
export function unreadable(file: string, error: NodeJS.ErrnoException): ConfigurationError {
  const { why, cure } = REASONS[error.code ?? ''] ?? {
    why: error.message,
    cure: () => 'correct the path, or what keeps it from being read',
  };
  return new ConfigurationError(`cannot read the configuration ${file}: ${why}`, cure(file), error);
}

/** A file or a pipe, but not one without an end. */
function readText(file: string): { text: string; stats: Stats } {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let bytes = 0;
    for (let read = -1; read !== 0 && bytes < buffer.length; bytes += read) {
      read = readSync(descriptor, buffer, bytes, buffer.length - bytes, null);
    }
    if (bytes > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return { text: buffer.toString('utf8', 0, bytes), stats: fstatSync(descriptor) };
  } finally {
    closeSync(descriptor);
  }
}

/** Reads the file and says all that is wrong with it. Throws ConfigurationError when it cannot be read. */
export function examineFile(file: string): Examined {
  let read: ReturnType<typeof readText>;
  try {
    read = readText(file);
  } catch (error) {
    throw unreadable(file, error as NodeJS.ErrnoException);
  }
  const examined = examineConfiguration(read.text, file);
  // A pipe has no owner of its own, and is gone when it was read.
  if (!read.stats.isFile()) return examined;
  const exposed = exposures(file, read.stats, examined.configuration, {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  });
  return { ...examined, warnings: [...examined.warnings, ...exposed] };
}

/** Reads and parses the file. Throws ConfigurationError (CKR_GENERAL_ERROR) that tells the first mistake. */
export function loadConfiguration(file: string): Parsed {
  return accepted(examineFile(file));
}
