/**
 * The lines of an HTTP exchange in the log (log.module.curl): Error says what failed, Info says a line for each request,
 * Verbose adds headers and bodies. What is secret in a body is cut out: texts under the names that hold tokens, secrets,
 * key material, and what is signed, decrypted or drawn.
 */

import type { HttpLevel } from '../config/http-level.ts';
import type { HttpExchange, HttpLog } from '../mhsm/http-exchange.ts';

export interface HttpLinesOptions {
  readonly level: HttpLevel;
  /** Bodies as offset, bytes in hexadecimal and characters. */
  readonly displayAsHex: boolean;
  readonly write: (line: string) => void;
}

const MAX_BODY_CHARACTERS = 4096;
const BYTES_A_LINE = 16;
/** The challenge: asked without a token on purpose. */
const UNAUTHORIZED = 401;
const SECRET_NAMES =
  /^(value|plaintext|ciphertext|tag|aad|iv|k|d|p|q|dp|dq|qi|key_hsm|target|.*(token|secret|assertion|password).*)$/i;
const SECRET_HEADERS = /^(authorization|proxy-authorization|cookie|set-cookie)$/i;

/** A body without its secrets; what is not JSON is not of the service, and shown as far as its length. */
function cutBody(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), (name, value: unknown) =>
      typeof value === 'string' && SECRET_NAMES.test(name) ? `[${value.length} characters]` : value,
    );
  } catch {
    return `[${body.length} characters that are not JSON]`;
  }
}

/** Lines of offset, up to 16 bytes, and their characters where they are printable. */
export function hexDump(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const some = bytes.subarray(at, at + BYTES_A_LINE);
    const hex = [...some].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const characters = some.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(BYTES_A_LINE * 3)} ${characters}`);
  }
  return lines;
}

function bodyLines(body: string | undefined, displayAsHex: boolean): string[] {
  if (body === undefined || body === '') return [];
  const cut = cutBody(body);
  const shown = cut.length > MAX_BODY_CHARACTERS ? `${cut.slice(0, MAX_BODY_CHARACTERS)}…` : cut;
  return displayAsHex ? hexDump(shown) : [shown];
}

function headersText(headers: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(headers, (name, value: unknown) => (SECRET_HEADERS.test(name) ? '[cut]' : value));
}

/** The words of an error and the code of its cause: ECONNREFUSED and the like. */
function reasonOf({ message, cause }: Error): string {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string' ? `${message} (${code})` : message;
}

function summaryOf({ method, url, microseconds, outcome }: HttpExchange): string {
  const what = outcome instanceof Error ? reasonOf(outcome) : String(outcome.status);
  return `${method} ${url}: ${what} after ${microseconds} µs`;
}

function failed({ outcome, requestHeaders }: HttpExchange): boolean {
  if (outcome instanceof Error) return true;
  const challenged = outcome.status === UNAUTHORIZED && requestHeaders.authorization === undefined;
  return outcome.status >= 400 && !challenged;
}

/** Writes exchanges as the level says; undefined for Off, so that nobody makes what nobody reads. */
export function httpLines({ level, displayAsHex, write }: HttpLinesOptions): HttpLog | undefined {
  if (level === 'Off') return undefined;
  let count = 0;
  return (exchange) => {
    const mark = `HTTP ${++count}`;
    if (level !== 'Error' || failed(exchange)) write(`${mark} ${summaryOf(exchange)}`);
    if (level !== 'Verbose') return;
    const { requestHeaders, requestBody, outcome } = exchange;
    write(`${mark} > ${headersText(requestHeaders)}`);
    for (const line of bodyLines(requestBody, displayAsHex)) write(`${mark} > ${line}`);
    if (outcome instanceof Error) return;
    write(`${mark} < ${headersText(outcome.headers)}`);
    for (const line of bodyLines(outcome.body, displayAsHex)) write(`${mark} < ${line}`);
  };
}
