// Refusals of HTTP itself, in the service's form: what is too large, too slow, or no HTTP.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../service-error.ts';
import type { Limits } from './limits.ts';

/** The error code of a status that comes from HTTP and not from an operation. */
const codes: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  405: 'MethodNotAllowed',
  408: 'RequestTimeout',
  413: 'RequestBodyTooLarge',
  414: 'RequestUriTooLong',
  415: 'UnsupportedMediaType',
  417: 'ExpectationFailed',
  431: 'RequestHeadersTooLarge',
};

/** @param status 4xx */
export const httpRefusal = (status: number, message: string, headers: Record<string, string> = {}): ServiceError =>
  new ServiceError(status, codes[status] ?? 'BadRequest', message, undefined, headers);

/** Throws 414 or 431 when the request is larger than it may be but Node has let it through. */
export function assertSize({ raw }: FastifyRequest, { urlBytes, headerCount }: Limits): void {
  if ((raw.url ?? '').length > urlBytes) throw httpRefusal(414, `The request target is longer than ${urlBytes} bytes`);
  if (raw.rawHeaders.length / 2 > headerCount) {
    throw httpRefusal(431, `The request has more than ${headerCount} headers`);
  }
}

/** Throws 400 or 417 for what Node would refuse without a body: it is told not to, see limits.ts and server.ts. */
export function assertHttp({ raw }: FastifyRequest): void {
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
    throw httpRefusal(400, 'A request of HTTP/1.1 needs a Host header');
  }
  const { expect } = raw.headers;
  if (expect !== undefined && !/^100-continue$/i.test(expect)) {
    throw httpRefusal(417, `Expect: ${expect.slice(0, 40)} cannot be met; only 100-continue can`);
  }
}

/** How long a client may take to read its refusal before the connection is closed. */
const lingerMs = 1000;

/** Answers what the HTTP parser could not take, and closes the connection. What fails below HTTP gets no answer. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (!/^(HPE|ERR_HTTP)_/.test(error.code ?? '') || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, message } = reasonOf(error.code);
  refuseRaw(socket, status, message);
}

/** Answers CONNECT, which Node hands on as a socket. */
export function refuseConnect(_request: unknown, socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  refuseRaw(socket, 405, 'CONNECT is not allowed here; this is no proxy');
}

function refuseRaw(socket: Duplex, status: number, message: string): void {
  const id = randomUUID();
  const body = JSON.stringify({ error: { code: codes[status], message: `${message} (Activity ID: ${id})` } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-ms-request-id: ${id}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

function reasonOf(code: string | undefined): { status: number; message: string } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, message: 'The request took too long to arrive' };
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, message: 'The request headers are too large' };
  return { status: 400, message: 'The request is not valid HTTP' };
}

/** An app of either server. */
interface RouteSource {
  addHook(name: 'onRoute', hook: (route: { url: string; method: string | string[] }) => void): unknown;
}

declare module 'fastify' {
  interface FastifyInstance {
    methodTable: MethodTable;
  }
}

/** Which methods a path has, for requests that come with another one. */
export class MethodTable {
  readonly rows: { readonly url: string; readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** Notes every route that is added to the app from now on. */
  constructor(app: RouteSource) {
    app.addHook('onRoute', ({ url, method }) => {
      const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`, 'i');
      this.rows.push({ url, pattern, methods: [method].flat() });
    });
  }

  /** Sorted; empty when there is no such path. */
  methodsOf(path: string): string[] {
    const found = this.rows.filter(({ pattern }) => pattern.test(path));
    // As the router does: a fixed word goes before a parameter.
    const fewest = Math.min(...found.map(({ url }) => parameters(url)));
    const methods = found.filter(({ url }) => parameters(url) === fewest).flatMap((row) => row.methods);
    return [...new Set(methods)].sort();
  }
}

const parameters = (url: string) => url.split(':').length;
