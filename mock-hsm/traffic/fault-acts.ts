// What a fault does to a request and to its answer.
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RawAnswer } from '../http/raw-answer.ts';
import type { Service } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import { type Fault, kindOf } from './fault-model.ts';
import { codeOfStatus } from './faults.ts';
import { record } from './record.ts';

/** Pieces of an answer that drips. */
const drips = 10;

/**
 * Lets the next fault befall a request that has come and is not yet looked at.
 * @returns whether that was the end of it; an answer of the fault's own is thrown
 */
export async function sufferFault(request: FastifyRequest, reply: FastifyReply, service: Service): Promise<boolean> {
  const { call } = request;
  const { name } = request.params as { name?: string };
  const fault = service.faults.take({ operation: call.operation, key: name, method: request.method });
  if (fault === undefined) return false;
  call.fault = fault;
  service.metrics.countFault(call.operation, kindOf(fault));
  if (fault.delayMs !== undefined) await sleep(fault.delayMs, undefined, { ref: false });
  if (fault.cut === 'before' || fault.silent === true) {
    reply.hijack();
    if (fault.silent === true) request.raw.socket.pause();
    else service.connections.cut(request.raw.socket, fault.reset === true);
    record(request, 0, service);
    return true;
  }
  if (fault.status === undefined) return false;
  const headers = retryAfter(fault);
  if (fault.body !== undefined) {
    const type = fault.contentType ?? 'text/html; charset=utf-8';
    throw new RawAnswer(fault.status, { ...headers, 'content-type': type }, fault.body);
  }
  const code = fault.code ?? codeOfStatus(fault.status);
  throw new ServiceError(fault.status, code, 'A fault that was asked for', undefined, headers);
}

/** The three forms that clients of Azure read; a date is meant for the client's clock, so it goes by the real time. */
function retryAfter({ retryAfterS, retryAfterForm = 'seconds' }: Fault): Record<string, string> {
  if (retryAfterS === undefined) return {};
  if (retryAfterForm === 'ms') return { 'retry-after-ms': String(Math.round(retryAfterS * 1000)) };
  const date = () => new Date(Date.now() + retryAfterS * 1000).toUTCString();
  return { 'retry-after': retryAfterForm === 'date' ? date() : String(Math.ceil(retryAfterS)) };
}

/**
 * Spoils the answer of a request that a fault befell.
 * @returns what is to be sent, or undefined when nothing more is
 */
export function spoilAnswer(request: FastifyRequest, reply: FastifyReply, payload: unknown, service: Service): unknown {
  const { fault } = request.call;
  if (fault === undefined) return payload;
  if (fault.lastRequest === true) reply.header('connection', 'close');
  const { socket } = request.raw;
  const cut = () => {
    service.connections.cut(socket, fault.reset === true);
    record(request, 0, service);
  };
  const bytes = Buffer.from(typeof payload === 'string' || payload instanceof Uint8Array ? payload : '');
  if (fault.cut === 'processed') {
    cut();
    return undefined;
  }
  if (fault.cut === 'midway') {
    const headers = { ...reply.getHeaders(), 'content-length': bytes.length };
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.writeHead(reply.statusCode);
    reply.raw.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), cut);
    return undefined;
  }
  if (fault.dripMs === undefined || bytes.length === 0) return payload;
  reply.header('content-length', bytes.length);
  return Readable.from(dripping(bytes, fault.dripMs));
}

/** Cuts the connection behind the answer, for a client that means to keep it. */
export function cutBehind({ call, raw }: FastifyRequest, { connections }: Service): void {
  if (call.fault?.cut !== 'after') return;
  if (call.fault.reset === true) connections.cut(raw.socket, true);
  else raw.socket.destroySoon();
}

async function* dripping(bytes: Buffer, dripMs: number): AsyncIterable<Buffer> {
  const size = Math.ceil(bytes.length / drips);
  for (let start = 0; start < bytes.length; start += size) {
    await sleep(dripMs / drips, undefined, { ref: false });
    yield bytes.subarray(start, start + size);
  }
}
