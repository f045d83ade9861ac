import { openLibrary } from '../agent/library.ts';
import type { Configuration } from '../config/configuration.ts';
import { configurationFile, loadConfiguration } from '../config/load.ts';
import { ConfigurationError, type Parsed, parseConfiguration } from '../config/parse.ts';
import { CKU_USER } from '../pkcs11/constants.ts';
import type { ConfigurationObject } from './configuration-object.ts';
import { type Credentials, type Login, loginOf } from './credentials.ts';
import { ManagedHsm } from './managed-hsm.ts';
import { Sessions } from './sessions.ts';

/** What `openManagedHsm` takes. */
export interface OpenOptions {
  /**
   * Path of a configuration file, or its content as an object. By default the file that `MHSM_PKCS11_CONF` names, else
   * `/etc/mhsm-pkcs11.conf`.
   */
  readonly configuration?: string | ConfigurationObject;
  /** Which token of the configuration, by its `slotid`. Default: the first. */
  readonly slot?: number;
  /** Who uses the HSM. */
  readonly credentials?: Credentials;
  /** Takes lines for the operator: unknown keys of the configuration, damaged keys. Default: nobody. */
  readonly warn?: (line: string) => void;
}

const OBJECT_NAME = 'configuration';

function parsed(configuration: OpenOptions['configuration']): Parsed {
  if (typeof configuration === 'object') return parseConfiguration(JSON.stringify(configuration, null, 2), OBJECT_NAME);
  return loadConfiguration(configuration ?? configurationFile(process.env));
}

/** The configuration with the one token that is meant. Credentials that are given count, not those it has. */
function narrowed(configuration: Configuration, slot: number | undefined, login: Login | undefined) {
  const { tokens, file, msi } = configuration;
  const token = slot === undefined ? tokens[0] : tokens.find(({ slotid }) => slotid === slot);
  if (token === undefined) {
    const known = tokens.map(({ slotid }) => slotid).join(', ');
    throw new ConfigurationError(`${file} has no slot ${slot}`, `choose one of ${known}`);
  }
  if (login === undefined) return { token, configuration: { ...configuration, tokens: [token] } };
  const { managed } = login;
  const MSIClientID = typeof managed === 'string' ? managed : '';
  const identity = { ...msi, identityMSI: managed !== undefined, MSIClientID };
  const anonymous = { ...token, credential: undefined };
  return { token, configuration: { ...configuration, tokens: [anonymous], msi: identity } };
}

/**
 * Opens a Managed HSM in this process and logs in: a token is fetched and the connections are opened, so that the first
 * signature is as fast as the others.
 *
 * Throws Pkcs11Error: CKR_GENERAL_ERROR for a wrong configuration (with file, line and what is expected),
 * CKR_PIN_INCORRECT when the credentials are refused, CKR_DEVICE_ERROR when the HSM or Entra ID cannot be reached.
 */
export async function openManagedHsm(options: OpenOptions = {}): Promise<ManagedHsm> {
  const { warn = () => undefined } = options;
  const whole = parsed(options.configuration);
  for (const warning of whole.warnings) warn(warning);
  const login = options.credentials && loginOf(options.credentials);
  const { token, configuration } = narrowed(whole.configuration, options.slot, login);
  const { library, close } = openLibrary(configuration, warn, { tokenCredential: login?.tokenCredential });
  const application = library.createApplication();
  try {
    const sessions = new Sessions(application, token.slotid);
    await sessions.use((session) => application.login({ session, userType: CKU_USER, pin: login?.pin ?? null }));
    return new ManagedHsm({ library, sessions, slot: token.slotid, url: token.baseUrl, close });
  } catch (error) {
    await close();
    throw error;
  }
}
