// How much a client may send, and how slowly. The service's own limits are not published; these are wide enough for all
// that it takes, and keep one client from holding or exhausting the mock.

import type { Server, ServerOptions } from 'node:https';

export interface Limits {
  /** Of a body in bytes, where `largeBodies` does not say otherwise. */
  readonly bodyBytes: number;
  /** Of the bodies of whole keys and whole pools. */
  readonly largeBodyBytes: number;
  /** Objects and arrays of a body within each other. */
  readonly jsonDepth: number;
  /** Of the request line's target. */
  readonly urlBytes: number;
  /** Of request line and headers together. A token with 200 groups is about 9 kB. */
  readonly headerBytes: number;
  readonly headerCount: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number;
  /** How often the two are looked at. */
  readonly timeoutCheckMs: number;
  readonly tlsHandshakeTimeoutMs: number;
  /** Connections at one time; no bound when absent. */
  readonly connections?: number;
}

export const standardLimits: Limits = {
  bodyBytes: 256 * 1024,
  largeBodyBytes: 8 * 1024 * 1024,
  jsonDepth: 64,
  urlBytes: 16 * 1024,
  headerBytes: 32 * 1024,
  headerCount: 200,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 60_000,
  timeoutCheckMs: 5_000,
  tlsHandshakeTimeoutMs: 20_000,
};

/** Paths whose bodies hold many keys or a whole pool. */
const largeBodies = /\/(restore|upload|selectiverestore|seed)$/i;

/** Most bytes of a body of this route. */
export const bodyBytesOf = (url: string, limits: Limits): number =>
  largeBodies.test(url) ? limits.largeBodyBytes : limits.bodyBytes;

/** The limits that Node's server keeps by itself, as options. */
export function serverLimits(limits: Limits): ServerOptions {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.timeoutCheckMs,
    handshakeTimeout: limits.tlsHandshakeTimeoutMs,
    requireHostHeader: false,
  };
}

/** And those that it has as properties. */
export function boundServer(server: Server, { headerCount, connections }: Limits): void {
  // Node drops headers beyond its count without a word: one more is let through, so that it can be refused.
  server.maxHeadersCount = headerCount + 1;
  if (connections !== undefined) server.maxConnections = connections;
}
