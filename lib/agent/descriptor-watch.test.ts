import { expect, test } from 'vitest';
import { descriptorWatch } from './descriptor-watch.ts';

const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: open`), { code });
};

/** What is said when a file can be opened, or why it cannot, look after look. */
function said(...looks: readonly (string | undefined)[]): string[] {
  const lines: string[] = [];
  let code: string | undefined;
  const look = descriptorWatch((line) => lines.push(line), {
    limit: () => 64,
    tryToOpen: () => code !== undefined && failing(code)(),
  });
  for (code of looks) look();
  return lines;
}

const NONE_LEFT =
  "no file descriptor is left (this process may have 64): who connects is turned away; raise LimitNOFILE= of the service or the server's ulimit -n";

test('nothing is said while a file can be opened', () => {
  expect(said(undefined, undefined)).toEqual([]);
});

test.each(['EMFILE', 'ENFILE'])('%s is said once, with the limit and what to do', (code) => {
  expect(said(undefined, code, code)).toEqual([NONE_LEFT]);
});

test('the end is said, and the next time again', () => {
  expect(said('EMFILE', undefined, 'EMFILE')).toEqual([NONE_LEFT, 'there are file descriptors again', NONE_LEFT]);
});

test('another reason why the file does not open says nothing about descriptors', () => {
  expect(said('EACCES')).toEqual([]);
});
