/**
 * Distinguished names as people write them: RFC 4514 (`CN=www.example.com,O=Example,C=DE`, the most specific first) and
 * the form of openssl req -subj (`/C=DE/O=Example/CN=www.example.com`, the most specific last).
 */
import { AsnConvert } from '@peculiar/asn1-schema';
import { AttributeTypeAndValue, AttributeValue, Name, RelativeDistinguishedName } from '@peculiar/asn1-x509';
import { UsageError } from '../program.ts';

type Form = 'utf8String' | 'printableString' | 'ia5String';

interface AttributeType {
  readonly names: readonly string[];
  readonly oid: string;
  readonly form: Form;
  /** Upper bound of RFC 5280, appendix A, in characters. */
  readonly max: number;
}

const TYPES: readonly AttributeType[] = [
  { names: ['CN', 'commonName'], oid: '2.5.4.3', form: 'utf8String', max: 64 },
  { names: ['C', 'countryName'], oid: '2.5.4.6', form: 'printableString', max: 2 },
  { names: ['L', 'localityName'], oid: '2.5.4.7', form: 'utf8String', max: 128 },
  { names: ['ST', 'S', 'stateOrProvinceName'], oid: '2.5.4.8', form: 'utf8String', max: 128 },
  { names: ['STREET', 'streetAddress'], oid: '2.5.4.9', form: 'utf8String', max: 128 },
  { names: ['O', 'organizationName'], oid: '2.5.4.10', form: 'utf8String', max: 64 },
  { names: ['OU', 'organizationalUnitName'], oid: '2.5.4.11', form: 'utf8String', max: 64 },
  { names: ['SERIALNUMBER'], oid: '2.5.4.5', form: 'printableString', max: 64 },
  { names: ['postalCode'], oid: '2.5.4.17', form: 'utf8String', max: 40 },
  { names: ['businessCategory'], oid: '2.5.4.15', form: 'utf8String', max: 128 },
  { names: ['DC', 'domainComponent'], oid: '0.9.2342.19200300.100.1.25', form: 'ia5String', max: 63 },
  { names: ['UID', 'userId'], oid: '0.9.2342.19200300.100.1.1', form: 'utf8String', max: 256 },
  { names: ['emailAddress', 'E'], oid: '1.2.840.113549.1.9.1', form: 'ia5String', max: 255 },
];

const ALPHABETS: Readonly<Record<Form, RegExp>> = {
  // What nobody sees in a certificate belongs into no name.
  utf8String: /^[^\p{Cc}\p{Default_Ignorable_Code_Point}]+$/u,
  ia5String: /^[ -~]+$/,
  printableString: /^[A-Za-z0-9 '()+,\-./:=?]+$/,
};

interface Pair {
  readonly type: string;
  readonly value: string;
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(
    `--subject ${text}: ${why}`,
    'write it as CN=www.example.com,O=Example,C=DE or /C=DE/O=Example/CN=www.example.com; a backslash quotes a character',
  );
}

/** Cuts at separators that no backslash quotes. */
function cut(text: string, separator: string): string[] {
  const parts = [''];
  for (const [unit] of text.matchAll(/\\.|./gsu)) {
    if (unit === separator) parts.push('');
    else parts[parts.length - 1] += unit;
  }
  return parts;
}

/** The value without its quoting: `\,` is a comma, `\C3\A9` the UTF-8 of é (RFC 4514, 3). */
function unquoted(value: string, text: string): string {
  if (/\\$/.test(value.replaceAll('\\\\', ''))) throw wrong(text, 'it ends with a backslash');
  return value.replaceAll(/(?:\\[0-9a-f]{2})+|\\(.)/gisu, (quoted, character?: string) => {
    if (character !== undefined) return character;
    const bytes = Buffer.from(quoted.replaceAll('\\', ''), 'hex');
    const decoded = bytes.toString('utf8');
    if (!Buffer.from(decoded).equals(bytes)) throw wrong(text, `${quoted} is not UTF-8`);
    return decoded;
  });
}

/** Spaces around a separator are nobody's; one that a backslash quotes stays. */
function trimmed(value: string): string {
  const left = value.trimStart();
  const right = left.trimEnd();
  return /(?<!\\)(?:\\\\)*\\$/.test(right) && right !== left ? `${right} ` : right;
}

function pairOf(part: string, text: string): Pair {
  const equals = part.indexOf('=');
  if (equals < 0) throw wrong(text, `${JSON.stringify(part)} has no =`);
  const value = trimmed(part.slice(equals + 1));
  if (/(?<!\\)(?:\\\\)*["<>;]/.test(value))
    throw wrong(text, `one of " < > ; is not quoted in ${JSON.stringify(value)}`);
  if (value.startsWith('#')) throw wrong(text, 'values in hexadecimal BER are not taken');
  return { type: part.slice(0, equals).trim(), value: unquoted(value, text) };
}

function typeOf(name: string, text: string): AttributeType {
  const lower = name.toLowerCase().replace(/^oid\./, '');
  const known = TYPES.find((row) => row.oid === lower || row.names.some((each) => each.toLowerCase() === lower));
  if (known !== undefined) return known;
  if (/^[012](\.(0|[1-9]\d*))+$/.test(lower)) return { names: [lower], oid: lower, form: 'utf8String', max: 32_768 };
  const list = TYPES.map(({ names }) => names[0]).join(', ');
  throw wrong(text, `${name || 'nothing'} is no attribute; there are ${list} and numbers such as 2.5.4.3`);
}

function attributeOf({ type, value }: Pair, text: string): AttributeTypeAndValue {
  const { oid, form, max, names } = typeOf(type, text);
  if (!ALPHABETS[form].test(value)) throw wrong(text, `${names[0]} cannot be ${JSON.stringify(value)}`);
  if ([...value].length > max) throw wrong(text, `${names[0]} has more than ${max} characters`);
  if (oid === '2.5.4.6' && !/^[A-Z]{2}$/i.test(value)) throw wrong(text, 'C is a country code of two letters');
  return new AttributeTypeAndValue({ type: oid, value: new AttributeValue({ [form]: value }) });
}

function partsOf(text: string): string[] {
  // As openssl: the first / begins, others separate.
  if (text.startsWith('/')) return cut(text.slice(1), '/');
  return cut(text, ',').reverse();
}

/**
 * The attributes of one relative distinguished name: each type once (X.501, 9.3, which RFC 5280, 4.1.2.4 refers to), in
 * the order of their encodings as a SET OF (X.690, 11.6).
 */
function namesOf(part: string, text: string): RelativeDistinguishedName {
  const attributes = cut(part, '+').map((written) => attributeOf(pairOf(written, text), text));
  const twice = attributes.find(({ type }, i) => attributes.findIndex((other) => other.type === type) < i);
  if (twice) throw wrong(text, `${typeOf(twice.type, text).names[0]} stands twice in ${JSON.stringify(part.trim())}`);
  const encoded = attributes.map((attribute) => ({ attribute, der: Buffer.from(AsnConvert.serialize(attribute)) }));
  encoded.sort((a, b) => Buffer.compare(a.der, b.der));
  return new RelativeDistinguishedName(encoded.map(({ attribute }) => attribute));
}

/** The name that `--subject` stands for. Throws UsageError. */
export function parseSubject(text: string): Name {
  if (text.trim() === '') throw wrong(text, 'it is empty');
  return new Name(partsOf(text).map((part) => namesOf(part, text)));
}

/** The last common name of a subject. */
export function commonName(subject: Name): string | undefined {
  const values = subject.flatMap((names) => names.filter(({ type }) => type === '2.5.4.3'));
  return values.at(-1)?.value.toString();
}

export function derOfName(name: Name): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(name));
}
