/** Asks a running agent how it is, over its own socket. */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

const DEADLINE_MS = 5000;

/** What became of the question. */
export type Asked =
  | { readonly outcome: 'answered'; readonly text: string }
  /** Nobody listens there. */
  | { readonly outcome: 'absent' }
  /** Somebody does, and says no or nothing. */
  | { readonly outcome: 'failed'; readonly why: string };

/** There is no such socket, or nobody behind it. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);

async function read(response: IncomingMessage): Promise<Asked> {
  const body = await text(response);
  if (response.statusCode === 200) return { outcome: 'answered', text: body };
  return { outcome: 'failed', why: body.trim() };
}

function failureOf(error: NodeJS.ErrnoException): Asked {
  if (ABSENT.has(error.code)) return { outcome: 'absent' };
  const why = error.code === 'ECONNRESET' ? 'it closed the connection without an answer' : error.message;
  return { outcome: 'failed', why };
}

/** Gets `/metrics` or `/status`. Never rejects. */
export function ask(socket: string, path: '/metrics' | '/status'): Promise<Asked> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const late = (): Asked => ({ outcome: 'failed', why: `it gave no answer within ${DEADLINE_MS / 1000} s` });
    const failed = (error: Error) => resolve(signal.aborted ? late() : failureOf(error));
    request({ socketPath: socket, path, signal, agent: false, headers: { connection: 'close' } }, (response) => {
      read(response).then(resolve, failed);
    })
      .on('error', failed)
      .end();
  });
}
