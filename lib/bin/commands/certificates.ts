/** `mhsm-p11 csr` and `mhsm-p11 self-sign`: X.509 for a key that stays in the HSM. */
import type { Command } from 'commander';
import { derOfRaw } from '../../core/ecdsa-form.ts';
import { startOfDay } from '../../tags/values.ts';
import { chooseKey } from '../chosen-key.ts';
import {
  collected,
  countOption,
  dayOption,
  type KeyChoice,
  slotOption,
  type TokenChoice,
  withKeyOptions,
  withTokenOptions,
} from '../options.ts';
import { writeOutput } from '../output.ts';
import { UsageError, warnAs } from '../program.ts';
import { type SchemeChoice, schemeFor, withSchemeOptions } from '../signature-scheme.ts';
import { signParts } from '../signing.ts';
import { type Token, withToken } from '../token.ts';
import type { Subject } from '../x509/documents.ts';

interface Options extends TokenChoice, KeyChoice, SchemeChoice {
  subject?: string;
  san?: string[];
  out?: string;
}

interface SelfSignOptions extends Options {
  days: string;
  notBefore?: string;
}

/** Longer than any key should live. */
const MAX_DAYS = 36_500;
const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

function withOptions(command: Command): Command {
  const described = command
    .option('--subject <name>', 'CN=www.example.com,O=Example,C=DE or /C=DE/O=Example/CN=www.example.com')
    .option(
      '--san <names>',
      'DNS:…, IP:…, URI:… or email:…, several with commas or by repeating (default: DNS of the common name)',
      collected,
    )
    .option('--out <file>', 'where the PEM goes (default, and -: standard output)');
  return withTokenOptions(withSchemeOptions(withKeyOptions(described)));
}

/** Who the document is about. Throws UsageError. Nothing is asked of anybody. */
async function namesOf({ subject, san = [] }: Options) {
  const { commonName, parseSubject } = await import('../x509/subject.ts');
  const { hostName, parseAlternativeNames } = await import('../x509/alternative-names.ts');
  if (subject === undefined) throw new UsageError('no subject was given', 'say --subject CN=www.example.com');
  const name = parseSubject(subject);
  const host = hostName(commonName(name) ?? '');
  const implied = san.length === 0 && host !== undefined ? [`DNS:${host}`] : [];
  return { name, alternativeNames: parseAlternativeNames([...san, ...implied]) };
}

async function subjectOf(
  token: Token,
  options: Options,
  names: Pick<Subject, 'name' | 'alternativeNames'>,
): Promise<Subject> {
  const { algorithmIdentifier } = await import('../x509/signature-algorithm.ts');
  const key = await chooseKey(token, options);
  const scheme = await schemeFor(token, key, options);
  return {
    ...names,
    publicKeyInfo: key.publicKeyInfo,
    algorithm: algorithmIdentifier(scheme),
    sign: async (toBeSigned) => {
      const signature = await signParts(token, key, scheme, [toBeSigned]);
      return scheme.scheme === 'ecdsa' ? derOfRaw(signature) : signature;
    },
  };
}

const tokenOf = ({ slot, identity }: Options) => ({ slot: slotOption(slot), identity, warn: warnAs('mhsm-p11') });

async function request(options: Options): Promise<void> {
  const names = await namesOf(options);
  const { certificationRequest, pem } = await import('../x509/documents.ts');
  const der = await withToken(tokenOf(options), async (token) =>
    certificationRequest(await subjectOf(token, options, names)),
  );
  writeOutput(options.out, pem('CERTIFICATE REQUEST', der));
}

/** RFC 5280 4.1.2.5: years have four digits. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** From the beginning of the day, or of this second, up to the last second of so many days. */
function validityOf({ days, notBefore }: SelfSignOptions): [Date, Date] {
  const now = Math.floor(Date.now() / SECOND_MS) * SECOND_MS;
  const day = notBefore === undefined ? undefined : startOfDay(dayOption('not-before', notBefore));
  const start = day === undefined ? now : day * SECOND_MS;
  const end = start + countOption('days', days, MAX_DAYS) * DAY_MS - SECOND_MS;
  if (end > LAST_MS)
    throw new UsageError(
      `--days ${days} end after the year 9999`,
      'give fewer: a certificate has years of four digits',
    );
  return [new Date(start), new Date(end)];
}

async function selfSign(options: SelfSignOptions): Promise<void> {
  const [notBefore, notAfter] = validityOf(options);
  const names = await namesOf(options);
  const { pem, selfSignedCertificate } = await import('../x509/documents.ts');
  const der = await withToken(tokenOf(options), async (token) =>
    selfSignedCertificate(await subjectOf(token, options, names), notBefore, notAfter),
  );
  writeOutput(options.out, pem('CERTIFICATE', der));
}

export function addCertificateCommands(program: Command): void {
  withOptions(
    program.command('csr').description('makes a certification request (PKCS#10) for a key in the HSM'),
  ).action(request);
  withOptions(
    program
      .command('self-sign')
      .description('makes a certificate for a TLS server that its own key signs')
      .option('--days <count>', 'how many days it is valid', '365')
      .option('--not-before <day>', 'first day (UTC) that it is valid on, YYYY-MM-DD (default: from now)'),
  ).action(selfSign);
}
