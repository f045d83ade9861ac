// Bodies: JSON whatever their content type says, except forms; an absent one is no error here.
import { isUtf8 } from 'node:buffer';
import parseJson from 'secure-json-parse';
import { badParameter } from '../service-error.ts';
import type { App } from '../traffic/call.ts';

/** @param maxDepth of objects and arrays within each other */
export function readBodies(app: App, maxDepth: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, new URLSearchParams(body.toString())),
  );
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, readJson(body as Buffer, maxDepth));
    } catch (error) {
      done(error as Error);
    }
  });
}

/**
 * Reads a body. Throws BadParameter for what is no JSON in UTF-8, is nested too deeply, has a member that would change
 * a prototype, or text that UTF-8 cannot hold and the store therefore could not keep.
 */
export function readJson(body: Buffer, maxDepth: number): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw badParameter('The request body is not UTF-8');
  const text = body.toString();
  if (depthOf(text) > maxDepth) throw badParameter(`The request body is nested more than ${maxDepth} deep`);
  let value: unknown;
  try {
    value = parseJson.parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch {
    throw badParameter('The request body is not valid JSON');
  }
  if (loneSurrogate.test(text) && !isWellFormed(value)) throw badParameter('The request body has a lone surrogate');
  return value;
}

/** How deep brackets are nested outside strings. */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < json.length; i += 1) {
    const character = json[i];
    if (quoted) {
      if (character === '\\') i += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (character === ']' || character === '}') depth -= 1;
  }
  return deepest;
}

/** An escape that may be half a pair; most bodies have none, and are not searched. */
const loneSurrogate = /\\u[dD][89a-fA-F]/;

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWellFormed(member));
}
