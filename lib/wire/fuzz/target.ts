/**
 * What a hostile module can send, for the loop of run.ts (docs/fuzzing.md): any bytes as a request, an answer or a stream. The
 * input begins as the C fuzzer's does, with 'q' or 'a', so that both share a corpus; 's' and a chunk size begin a stream.
 */
import { WireError } from '../bytes.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, FrameSplitter } from '../codec.ts';
import { CALLS, type CallName } from '../schema.ts';

const PREFIX_BYTES = 4;
const STREAM_LIMIT_BYTES = 1024;
const names = new Map<number, CallName>(Object.entries(CALLS).map(([name, { id }]) => [id, name as CallName]));

/** The frame encoded anew, without its length prefix. */
export function reencode(kind: 'q' | 'a', body: Buffer): Buffer {
  if (kind === 'q') {
    const { call, fields } = decodeRequest(body);
    return encodeRequest(call, fields as never).subarray(PREFIX_BYTES);
  }
  const call = names.get(body.length < 2 ? 0 : body.readUInt16LE(0)) ?? 'hello';
  return encodeResponse(call, decodeResponse(call, body)).subarray(PREFIX_BYTES);
}

/** What was accepted has one spelling, as long as what came, and that one stays as it is. */
function checkFrame(kind: 'q' | 'a', body: Buffer): void {
  const once = reencode(kind, body);
  if (once.length !== body.length) throw new Error(`${body.length} bytes became ${once.length}`);
  if (!reencode(kind, once).equals(once)) throw new Error(`${once.toString('hex')} has another spelling`);
}

/** A stream in chunks has the frames that it has in one piece, and none above the limit. */
function checkStream(chunkBytes: number, stream: Buffer): void {
  const inChunks = new FrameSplitter();
  inChunks.limitBytes = STREAM_LIMIT_BYTES;
  let at = 0;
  const take = (body: Buffer) => {
    if (body.length > STREAM_LIMIT_BYTES) throw new Error(`a frame of ${body.length} bytes passed`);
    const expected = stream.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + stream.readUInt32LE(at));
    if (!body.equals(expected)) throw new Error(`another frame at ${at}`);
    at += PREFIX_BYTES + body.length;
  };
  for (let from = 0; from < stream.length; from += chunkBytes)
    for (const body of inChunks.push(stream.subarray(from, from + chunkBytes))) take(body);
  if (stream.length - at >= PREFIX_BYTES && stream.readUInt32LE(at) <= stream.length - at - PREFIX_BYTES)
    throw new Error(`the frame at ${at} did not come`);
}

/** One input. Throws for what must not be; a WireError is what must be. */
export function fuzz(data: Buffer): void {
  const kind = String.fromCharCode(data[0] ?? 0);
  try {
    if (kind === 'q' || kind === 'a') checkFrame(kind, data.subarray(1));
    else if (kind === 's') checkStream((data[1] ?? 0) + 1, data.subarray(2));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}
