/**
 * What must never be printed: secrets this process was given, in every spelling a text may hold them in, and whatever
 * looks like a token or a secret. Texts alone are compared: a secret is found wherever it stands.
 */

const CUT = '[cut]';
/** Shorter ones would be found in ordinary words. Longer than CUT, so that no secret is part of it. */
const MIN_CHARACTERS = 6;
/** Service principals and tokens in use are few; beyond this the oldest spelling is forgotten. */
const MAX_SPELLINGS = 4096;

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
  readonly #spellings = new Set<string>();

  /** From now on no line shows it. Fewer than 6 characters are not looked for: they are found in every word. */
  learn(secret: string): void {
    if (secret.length < MIN_CHARACTERS || this.#spellings.has(secret)) return;
    for (const spelling of spellingsOf(secret)) this.#spellings.add(spelling);
    for (const oldest of this.#spellings) {
      if (this.#spellings.size <= MAX_SPELLINGS) break;
      this.#spellings.delete(oldest);
    }
  }

  /** A PIN: the whole of it, and the client secret in it. */
  learnPin(pin: Uint8Array | null): void {
    if (pin === null) return;
    const text = Buffer.from(pin).toString('utf8').trimEnd();
    this.learn(text);
    this.learn(text.slice(text.indexOf(':') + 1));
  }

  /** The text without secrets. Places that overlap are cut as one. */
  redact(text: string): string {
    let shown = '';
    let end = 0;
    for (const [from, to] of placesOf(text, this.#spellings)) {
      if (from >= end) shown += `${text.slice(end, from)}${CUT}`;
      end = Math.max(end, to);
    }
    shown += text.slice(end);
    return PATTERNS.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), shown);
  }
}
