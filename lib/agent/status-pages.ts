/**
 * HTTP on the agent's own socket, for those who look after it: `GET /metrics` and `GET /status`. A frame never begins as a
 * request of HTTP does: its first four bytes would be a length far above the limit.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** From the first bytes to the last, whoever dawdles. */
const DEADLINE_MS = 5000;
const MAX_HEADER_BYTES = 4096;
const METHOD = Buffer.from('GET ');

export interface Page {
  readonly contentType: string;
  readonly text: () => string | Promise<string>;
}

/** Whether a connection that begins so speaks HTTP. */
export function isHttp(first: Uint8Array): boolean {
  return METHOD.equals(first.subarray(0, METHOD.length));
}

function endInTime(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), DEADLINE_MS);
  socket.once('close', () => clearTimeout(timer));
}

async function answer(response: ServerResponse, page: Page | undefined): Promise<void> {
  if (page === undefined) return void response.writeHead(404).end('there are /metrics and /status\n');
  const text = await page.text();
  response.writeHead(200, { 'content-type': page.contentType }).end(text);
}

/** Serves pages by their path, one request a connection. */
export class StatusPages {
  readonly #server: Server;

  constructor(pages: Readonly<Record<string, Page>>) {
    const byPath = new Map(Object.entries(pages));
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      response.setHeader('connection', 'close');
      const failed = () => response.writeHead(500).end();
      answer(response, byPath.get(request.url ?? '')).catch(failed);
    });
  }

  /** Takes a connection over, from its first bytes on. */
  take(socket: Socket, first: Buffer): void {
    endInTime(socket);
    socket.pause();
    socket.unshift(first);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  /** The answer to somebody who may not look. */
  static refuse(socket: Socket, why: string): void {
    endInTime(socket);
    socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${why}\n`);
  }
}
