import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HTTP_LEVELS, type HttpLevel } from '../config/http-level.ts';
import type { HttpExchange } from '../mhsm/http-exchange.ts';
import { hexDump, httpLines } from './http-lines.ts';

const exchange: HttpExchange = {
  method: 'POST',
  url: 'https://hsm/keys/a/b/sign?api-version=7.4',
  requestHeaders: { accept: 'application/json' },
  requestBody: '{"alg":"RS256","value":"ZGlnZXN0"}',
  microseconds: 1532,
  outcome: { status: 200, headers: { 'x-ms-request-id': '17' }, body: '{"kid":"https://hsm/keys/a/b","value":"c2ln"}' },
};
const refused: HttpExchange = {
  ...exchange,
  outcome: { status: 403, headers: {}, body: '{"error":{"code":"Forbidden"}}' },
};
const unanswered: HttpExchange = {
  ...exchange,
  outcome: new Error('no answer: network', { cause: { code: 'ECONNRESET' } }),
};
const challenge: HttpExchange = { ...exchange, outcome: { status: 401, headers: {}, body: '' } };

function lines(level: HttpLevel, exchanges: readonly HttpExchange[], displayAsHex = false): string[] {
  const written: string[] = [];
  const log = httpLines({ level, displayAsHex, write: (line) => written.push(line) });
  for (const one of exchanges) log?.(one);
  return written;
}

const summary = 'POST https://hsm/keys/a/b/sign?api-version=7.4';

describe('the level', () => {
  test('Off makes no lines, and nobody to make them', () => {
    expect(httpLines({ level: 'Off', displayAsHex: true, write: () => undefined })).toBeUndefined();
  });

  test('Error tells what failed, and not the question for the challenge', () => {
    expect(lines('Error', [exchange, challenge, refused, unanswered])).toEqual([
      `HTTP 3 ${summary}: 403 after 1532 µs`,
      `HTTP 4 ${summary}: no answer: network (ECONNRESET) after 1532 µs`,
    ]);
  });

  test('Info tells each', () => {
    expect(lines('Info', [exchange, challenge])).toEqual([
      `HTTP 1 ${summary}: 200 after 1532 µs`,
      `HTTP 2 ${summary}: 401 after 1532 µs`,
    ]);
  });

  test('Verbose adds headers and bodies, without what is signed', () => {
    expect(lines('Verbose', [exchange])).toEqual([
      `HTTP 1 ${summary}: 200 after 1532 µs`,
      'HTTP 1 > {"accept":"application/json"}',
      'HTTP 1 > {"alg":"RS256","value":"[8 characters]"}',
      'HTTP 1 < {"x-ms-request-id":"17"}',
      'HTTP 1 < {"kid":"https://hsm/keys/a/b","value":"[4 characters]"}',
    ]);
  });

  test('DisplayAsHex gives bodies as offset, bytes and characters', () => {
    expect(lines('Verbose', [refused], true).slice(-2)).toEqual([
      'HTTP 1 < 0000  7b 22 65 72 72 6f 72 22 3a 7b 22 63 6f 64 65 22  {"error":{"code"',
      'HTTP 1 < 0010  3a 22 46 6f 72 62 69 64 64 65 6e 22 7d 7d        :"Forbidden"}}',
    ]);
  });
});

test('a dump shows no control characters', () => {
  expect(hexDump('a\u001b\n')).toEqual([`0000  61 1b 0a ${' '.repeat(39)} a..`]);
});

test.each(HTTP_LEVELS)('at %s no line holds what a body or header hides', (level) => {
  const secret = fc.stringMatching(/^[\w-]{12,40}$/);
  const name = fc.constantFrom('value', 'access_token', 'client_secret', 'client_assertion', 'password', 'd', 'k');
  const place = fc.constantFrom('request', 'answer', 'deep', 'not JSON', 'header');
  fc.assert(
    fc.property(secret, name, place, fc.boolean(), (hidden, under, where, hex) => {
      const body = JSON.stringify(where === 'deep' ? { key: { [under]: hidden } } : { [under]: hidden });
      const one: HttpExchange = {
        ...exchange,
        requestHeaders: where === 'header' ? { Authorization: `Bearer ${hidden}`, cookie: hidden } : {},
        requestBody: where === 'request' ? body : undefined,
        outcome: { status: 200, headers: { 'set-cookie': [hidden] }, body: where === 'not JSON' ? hidden : body },
      };
      const written = lines(level, [one], hex).join('\n');
      expect(written).not.toContain(hidden);
      expect(written).not.toContain(
        Buffer.from(hidden)
          .toString('hex')
          .replaceAll(/..(?=.)/g, '$& '),
      );
    }),
  );
});
