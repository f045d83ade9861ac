/** The functions of tags and frames, as promises call them: each call becomes a step of the trace. */

import { decodeTags, encodeTags } from '../lib/tags/codec.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, FrameSplitter } from '../lib/wire/codec.ts';
import { literalOf } from './literal.ts';
import type { Step } from './trace.ts';

/** The frames that come out of a stream that arrives in these pieces. */
function splitFrames(pieces: readonly Buffer[]): Buffer[] {
  const splitter = new FrameSplitter();
  return pieces.flatMap((piece) => splitter.push(piece));
}

const functions = {
  encodeTags,
  decodeTags,
  encodeRequest,
  decodeRequest,
  encodeResponse,
  decodeResponse,
  splitFrames,
};

export type Codec = typeof functions;
export type CodecName = keyof Codec;

function recorded(name: CodecName, trace: Step[]): (...words: unknown[]) => unknown {
  return (...words) => {
    const keep = (answer: string) => trace.push({ kind: 'codec', name, words, answer });
    try {
      const result: unknown = Reflect.apply(functions[name], undefined, words);
      keep(literalOf(result));
      return result;
    } catch (error) {
      keep(String(error));
      throw error;
    }
  };
}

export function recordingCodec(trace: Step[]): Codec {
  const names = Object.keys(functions) as CodecName[];
  return Object.fromEntries(names.map((name) => [name, recorded(name, trace)])) as unknown as Codec;
}
