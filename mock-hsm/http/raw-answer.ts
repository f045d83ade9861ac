// An answer that is not in the service's form of an error, and ends a request before its handler.
import type { FastifyReply } from 'fastify';

/**
 * To be thrown, also by hooks. Fastify takes a hook that sends by itself for done only when the answer has left: while
 * that waits for its time, the handler would run. After an error it never does.
 */
export class RawAnswer extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;

  /** @param headers with the content type */
  constructor(status: number, headers: Record<string, string>, body: string) {
    super(`an answer with status ${status}`);
    this.name = 'RawAnswer';
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /** For the error handler of the app. */
  send(reply: FastifyReply): FastifyReply {
    return reply.code(this.status).headers(this.headers).send(this.body);
  }
}

export const jsonType = 'application/json; charset=utf-8';
