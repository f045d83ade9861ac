/** `--san DNS:www.example.com,IP:192.0.2.1,URI:https://…,email:…` (RFC 5280, 4.2.1.6). */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { GeneralName } from '@peculiar/asn1-x509';
import { UsageError } from '../program.ts';

const KINDS = ['DNS', 'IP', 'URI', 'email'] as const;
type Kind = (typeof KINDS)[number];

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/** Control characters and what nobody sees: domainToASCII leaves them out, and another name remains. */
const UNSEEN = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

/** The name in ASCII, with `*` as its first label if at all; undefined when it is no host name. */
export function hostName(text: string): string | undefined {
  if (UNSEEN.test(text)) return undefined;
  const [, star = '', rest = ''] = /^(\*\.)?(.*)$/su.exec(text) ?? [];
  const ascii = domainToASCII(rest);
  const whole = ascii.length > 0 && ascii.length <= 253 && ascii.split('.').every((label) => LABEL.test(label));
  return whole && isIP(ascii) === 0 ? star + ascii : undefined;
}

const ASCII = /^[\x21-\x7e]+$/;

/** Each kind: the name for a text, or undefined when the text is none. */
const READERS: Readonly<Record<Kind, (text: string) => GeneralName | undefined>> = {
  DNS: (text) => {
    const name = hostName(text);
    return name === undefined ? undefined : new GeneralName({ dNSName: name });
  },
  IP: (text) => (isIP(text) === 0 || text.includes('%') ? undefined : new GeneralName({ iPAddress: plainIp(text) })),
  URI: (text) =>
    ASCII.test(text) && URL.canParse(text) ? new GeneralName({ uniformResourceIdentifier: text }) : undefined,
  email: (text) => {
    const at = text.lastIndexOf('@');
    const host = hostName(text.slice(at + 1));
    const local = text.slice(0, at);
    return at > 0 && ASCII.test(local) && host !== undefined
      ? new GeneralName({ rfc822Name: `${local}@${host}` })
      : undefined;
  },
};

/** An IPv6 address without dots in it, which the encoder does not read. */
function plainIp(text: string): string {
  return isIP(text) === 6 ? new URL(`https://[${text}]/`).hostname.slice(1, -1) : text;
}

function readName(text: string): GeneralName {
  const colon = text.indexOf(':');
  const kind = KINDS.find((each) => each.toLowerCase() === text.slice(0, colon).trim().toLowerCase());
  const value = text.slice(colon + 1).replace(/^ +| +$/g, '');
  const name = kind && READERS[kind](value);
  if (name !== undefined) return name;
  const what =
    kind === undefined
      ? `${JSON.stringify(text)} has no kind`
      : `${JSON.stringify(value)} is not a name of kind ${kind}`;
  throw new UsageError(`--san: ${what}`, 'write DNS:www.example.com, IP:192.0.2.1, URI:https://… or email:…');
}

/** The names of all --san options, each one or several with commas between. Throws UsageError. */
export function parseAlternativeNames(options: readonly string[]): GeneralName[] {
  // A comma separates where a kind follows: a URI may hold others.
  return options.flatMap((option) => option.split(/,(?=\s*(?:dns|ip|uri|email):)/i).map(readName));
}
