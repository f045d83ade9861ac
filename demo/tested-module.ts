import { join } from 'node:path';

const { MHSM_PKCS11_TESTED_MODULE, MHSM_PKCS11_PRELOAD } = process.env;

const SUPPRESSIONS = join(import.meta.dirname, '../native/test/asan-suppressions');

/** As it ships: for programs that nothing can be loaded into before the module (ssh-agent is setgid; the tests' own process). */
export const BUILT_MODULE = join(import.meta.dirname, '../native/build/libmhsm-pkcs11.so');

/** The module that programs load: what `npm run build` made, or the one that `npm run test:sanitized` names. */
export const MODULE = MHSM_PKCS11_TESTED_MODULE ?? BUILT_MODULE;

/**
 * What a program needs in its environment to load it: ASan's runtime comes before everything else. Leaks are for the
 * programs of native/test, since those of others leak by themselves; the JVM handles SIGSEGV.
 */
export const MODULE_ENVIRONMENT: NodeJS.ProcessEnv =
  MHSM_PKCS11_PRELOAD === undefined
    ? {}
    : {
        LD_PRELOAD: MHSM_PKCS11_PRELOAD,
        ASAN_OPTIONS: `detect_leaks=0:handle_segv=0:allow_user_segv_handler=1:suppressions=${SUPPRESSIONS}`,
        UBSAN_OPTIONS: 'print_stacktrace=1',
      };

/** GnuTLS stands on p11-kit, which hangs under Debian 12's ASan whatever module it loads: it gets the built one always. */
export const GNUTLS_ENVIRONMENT: NodeJS.ProcessEnv = { LD_PRELOAD: '', MHSM_PKCS11_MODULE: BUILT_MODULE };
