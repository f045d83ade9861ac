import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { configurationFile, loadConfiguration } from '../config/load.ts';
import type { Application } from '../core/application.ts';
import type { Attribute } from '../core/calls.ts';
import { CKF_RW_SESSION, CKF_SERIAL_SESSION, CKU_USER } from '../pkcs11/constants.ts';
import { toText } from '../tags/values.ts';
import { UsageError } from './program.ts';

export interface TokenOptions {
  /** CK_SLOT_ID; by default the first of the configuration. */
  readonly slot?: number | undefined;
  /** Managed identity instead of MHSM_CLIENT_ID and MHSM_CLIENT_SECRET. */
  readonly identity?: boolean | undefined;
  readonly warn: (line: string) => void;
}

const SESSION = 1;
const FIND_AT_ONCE = 1000;

/** The service principal of the environment. Throws UsageError when it is not whole. */
function pinOf({ MHSM_CLIENT_ID, MHSM_CLIENT_SECRET }: NodeJS.ProcessEnv): Uint8Array {
  const missing = MHSM_CLIENT_ID ? 'MHSM_CLIENT_SECRET' : 'MHSM_CLIENT_ID';
  if (!MHSM_CLIENT_ID || !MHSM_CLIENT_SECRET) {
    throw new UsageError(
      `${missing} is not set`,
      'set MHSM_CLIENT_ID and MHSM_CLIENT_SECRET to those of a service principal, or use --identity',
    );
  }
  return Buffer.from(`${MHSM_CLIENT_ID}:${MHSM_CLIENT_SECRET}`);
}

/** The token of a slot. Throws UsageError. */
export function chooseToken({ tokens, file }: Configuration, slot: number | undefined): TokenConfiguration {
  const token = slot === undefined ? tokens[0] : tokens.find(({ slotid }) => slotid === slot);
  if (token !== undefined) return token;
  const known = tokens.map(({ slotid }) => slotid).join(', ');
  throw new UsageError(`${file} has no slot ${slot}`, `choose one of ${known}`);
}

/** A configuration with one token, and the PIN to log in with; null where the token has its own identity. */
export interface Login {
  readonly configuration: Configuration;
  readonly pin: Uint8Array | null;
}

/**
 * As whom a tool acts: the managed identity where it is asked for, or configured for a token without a credential; else
 * the service principal of the environment; else the token's own credential. A person who sets the environment means
 * somebody else than the server. Throws UsageError.
 */
export function loginOf(
  configuration: Configuration,
  token: TokenConfiguration,
  identity: boolean,
  environment: NodeJS.ProcessEnv,
): Login {
  const { MHSM_CLIENT_ID, MHSM_CLIENT_SECRET } = environment;
  const identityMSI = identity || (configuration.msi.identityMSI && token.credential === undefined);
  const isOwn = token.credential !== undefined && !identity && !MHSM_CLIENT_ID && !MHSM_CLIENT_SECRET;
  const tokens = [isOwn ? token : { ...token, credential: undefined }];
  const pin = identityMSI || isOwn ? null : pinOf(environment);
  return { configuration: { ...configuration, tokens, msi: { ...configuration.msi, identityMSI } }, pin };
}

/** Opens a token, works with it, and closes it whatever comes. */
export async function withToken<T>(options: TokenOptions, work: (token: Token) => Promise<T>): Promise<T> {
  const token = await Token.open(options);
  try {
    return await work(token);
  } finally {
    await token.close();
  }
}

/** One token of the configuration with a session of this process, logged in; what the tools are made of. */
export class Token {
  readonly application: Application;
  readonly session = SESSION;
  readonly configuration: TokenConfiguration;
  readonly #close: () => Promise<void>;

  private constructor(application: Application, configuration: TokenConfiguration, close: () => Promise<void>) {
    this.application = application;
    this.configuration = configuration;
    this.#close = close;
  }

  /**
   * Opens the token and logs in (loginOf). Throws ConfigurationError, UsageError, CKR_PIN_INCORRECT, CKR_DEVICE_ERROR.
   */
  static async open({ slot, identity = false, warn }: TokenOptions): Promise<Token> {
    const { configuration, warnings } = loadConfiguration(configurationFile(process.env));
    for (const warning of warnings) warn(warning);
    const chosen = chooseToken(configuration, slot);
    return Token.openWith(chosen, loginOf(configuration, chosen, identity, process.env), warn);
  }

  /** As `open`, with a configuration that was read already. */
  static async openWith(chosen: TokenConfiguration, login: Login, warn: (line: string) => void): Promise<Token> {
    // Loaded when it is needed: a wrong command line should not wait for an HTTP client.
    const { openLibrary } = await import('../agent/library.ts');
    const { library, close } = openLibrary(login.configuration, warn);
    const application = library.createApplication();
    const token = new Token(application, chosen, close);
    application.openSession({ session: SESSION, slot: chosen.slotid, flags: CKF_SERIAL_SESSION | CKF_RW_SESSION });
    try {
      await application.login({ session: SESSION, userType: CKU_USER, pin: login.pin });
    } catch (error) {
      await close();
      throw error;
    }
    return token;
  }

  /** Handles of all objects that match. */
  async find(template: readonly Attribute[]): Promise<number[]> {
    const { application, session } = this;
    await application.findObjectsInit({ session, template });
    const handles: number[] = [];
    for (;;) {
      const { handles: some } = await application.findObjects({ session, max: FIND_AT_ONCE });
      if (some.length === 0) break;
      handles.push(...some);
    }
    await application.findObjectsFinal({ session });
    return handles;
  }

  /** The values of attributes, in order; undefined where the object has none. */
  async values(object: number, types: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const queries = types.map((type) => ({ type, capacity: Number.MAX_SAFE_INTEGER }));
    const { results } = await this.application.getAttributeValue({ session: this.session, object, queries });
    return results.map(({ bytes }) => bytes ?? undefined);
  }

  /** An attribute that is a text; empty where the object has none. */
  async text(object: number, type: number): Promise<string> {
    const [value] = await this.values(object, [type]);
    return (value && toText(value)) ?? '';
  }

  /** A further session of this process, for operations at the same time. */
  openSession(handle: number): number {
    const flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    this.application.openSession({ session: handle, slot: this.configuration.slotid, flags });
    return handle;
  }

  close(): Promise<void> {
    return this.#close();
  }
}
