// A fault as one word of a command line: `sign:status=503,times=3,retry-after=1`.
import { durationMs } from '../profile/durations.ts';
import { type Fault, faultBody } from './fault-model.ts';

type Read = (text: string) => unknown;

const number: Read = (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN);
const time: Read = (text) => durationMs(text) ?? Number.NaN;
const word: Read = (text) => text;

/** Name in the flag → field of the fault, and how its value reads. Switches have no value. */
const settings: Readonly<Record<string, readonly [field: keyof Fault, read: Read | undefined]>> = {
  key: ['key', word],
  method: ['method', word],
  times: ['times', (text) => (text === 'always' ? text : number(text))],
  probability: ['probability', number],
  for: ['forMs', time],
  delay: ['delayMs', time],
  status: ['status', number],
  code: ['code', word],
  'retry-after': ['retryAfterS', number],
  'retry-after-form': ['retryAfterForm', word],
  body: ['body', word],
  'content-type': ['contentType', word],
  drip: ['dripMs', time],
  cut: ['cut', word],
  reset: ['reset', undefined],
  silent: ['silent', undefined],
  'last-request': ['lastRequest', undefined],
  refuse: ['refuse', undefined],
};

/** For the help text. */
export const faultGrammar = `
A fault is <operation>:<setting>,…  e.g. sign:status=503,times=3,retry-after=1
  operation   as in /mock/metrics (sign, get, token, …), * for any request, or handshake for new TLS connections
  which       key=NAME  method=GET
  when        times=N|always  probability=0.1  for=30s        (once, unless it says otherwise)
  what        delay=2s  status=503  retry-after=1  retry-after-form=seconds|date|ms  code=Throttled
              body=TEXT  content-type=text/html  drip=5s  cut=before|processed|midway|after  reset  silent
              last-request (connection: close)  refuse (of handshake: a TLS alert)
  A comma within a value is written \\,
`;

/** Reads one; throws an error that says what is wrong with it. */
export function readFault(text: string): Fault {
  const colon = text.indexOf(':');
  if (colon < 1) throw new Error('It must look like sign:status=503,times=3 (* for any operation).');
  const operation = text.slice(0, colon);
  const body: Record<string, unknown> = operation === '*' ? {} : { operation };
  for (const part of text.slice(colon + 1).split(/(?<!\\),/)) {
    const [field, value] = readSetting(part.replaceAll('\\,', ','));
    body[field] = value;
  }
  const read = faultBody.safeParse(body);
  if (read.success) return read.data;
  throw new Error(read.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; '));
}

function readSetting(part: string): readonly [string, unknown] {
  const equals = part.indexOf('=');
  const name = equals < 0 ? part : part.slice(0, equals);
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (setting === undefined) throw new Error(`unknown setting ${name}; known: ${Object.keys(settings).join(', ')}`);
  const [field, read] = setting;
  if ((read === undefined) !== equals < 0)
    throw new Error(`${name} ${read === undefined ? 'has no' : 'needs a'} value`);
  return [field, read === undefined ? true : read(part.slice(equals + 1))];
}
