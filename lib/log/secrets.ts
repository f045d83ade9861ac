/**
 * What must never be printed: secrets this process was given, in every spelling a text may hold them in, and whatever
 * looks like a token or a secret. Texts alone are compared: a secret is found wherever it stands.
 */

const CUT = '[cut]';
/** Shorter ones would be found in ordinary words. Longer than CUT, so that no secret is part of it. */
const MIN_CHARACTERS = 6;
/**
 * How a secret came here, and how many of each are kept: beyond that the one that was given longest ago is forgotten. Each
 * kind has room of its own, so that neither wrong PINs, which anybody can send without end, nor tokens, of which a year
 * brings many, push out what opens an HSM.
 */
const MOST = {
  /** The configuration has it, or an authority took it. */
  accepted: 320,
  token: 128,
  /** Of a login that may be refused yet. */
  given: 128,
} as const;

export type SecretKind = keyof typeof MOST;

/** Tokens, and secrets in forms, headers and JSON. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[token]'],
  [/\b(bearer\s+)[\w.~+/=-]{8,}/gi, '$1[token]'],
  [/\b((?:client_secret|clientSecret|client_assertion|access_token)["']?\s*[=:]\s*["']?)[^\s&"',}]+/gi, '$1[secret]'],
];

/** The spellings of a text in addresses, forms, JSON and dumps. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const form = new URLSearchParams({ s: secret }).toString().slice(2);
  const json = JSON.stringify(secret).slice(1, -1);
  const encoded = (['hex', 'base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding));
  return [secret, encodeURIComponent(secret.toWellFormed()), form, json, ...encoded];
}

/** Start and end of each place where one of the spellings stands, in order. */
function placesOf(text: string, spellings: Iterable<string>): [number, number][] {
  const places: [number, number][] = [];
  for (const spelling of spellings) {
    for (let at = text.indexOf(spelling); at !== -1; at = text.indexOf(spelling, at + 1)) {
      places.push([at, at + spelling.length]);
    }
  }
  return places.sort(([a], [b]) => a - b);
}

export class Secrets {
  /** The spellings of each, the one given longest ago first. */
  readonly #known: Readonly<Record<SecretKind, Map<string, readonly string[]>>> = {
    accepted: new Map(),
    token: new Map(),
    given: new Map(),
  };

  /** From now on no line shows it. Fewer than 6 characters are not looked for: they are found in every word. */
  learn(secret: string, kind: SecretKind): void {
    if (secret.length < MIN_CHARACTERS) return;
    const known = this.#known[kind];
    const spellings = known.get(secret) ?? [...new Set(spellingsOf(secret))];
    known.delete(secret);
    known.set(secret, spellings);
    const [oldest] = known.keys();
    if (known.size > MOST[kind] && oldest !== undefined) known.delete(oldest);
  }

  /** A PIN: the whole of it, and the client secret in it. */
  learnPin(pin: Uint8Array | null): void {
    if (pin === null) return;
    const text = Buffer.from(pin).toString('utf8').trimEnd();
    this.learn(text, 'given');
    this.learn(text.slice(text.indexOf(':') + 1), 'given');
  }

  /** How many are looked for. */
  get size(): number {
    return Object.values(this.#known).reduce((sum, { size }) => sum + size, 0);
  }

  *#spellings(): Generator<string> {
    for (const known of Object.values(this.#known)) for (const spellings of known.values()) yield* spellings;
  }

  /** The text without secrets. Places that overlap are cut as one. */
  redact(text: string): string {
    let shown = '';
    let end = 0;
    for (const [from, to] of placesOf(text, this.#spellings())) {
      if (from >= end) shown += `${text.slice(end, from)}${CUT}`;
      end = Math.max(end, to);
    }
    shown += text.slice(end);
    return PATTERNS.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), shown);
  }
}
