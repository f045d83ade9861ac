import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function testContainers(env: NodeJS.ProcessEnv): Promise<Ended> {
  return run(process.execPath, [join(import.meta.dirname, 'run.ts')], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ended) => error,
  );
}

test('where no engine answers, one line says that nothing was tested and why, and nothing failed', async () => {
  const ended = await testContainers({ PATH: process.env.PATH, DOCKER_HOST: 'unix:///nowhere' });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^test:containers: skipped, (no Docker engine answers: .+|docker is not installed)\n$/);
});

describe('a docker that is made up', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'containers-docker-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** @param word of its command line at which it fails with these words */
  function withDocker(word: string, words: string): Promise<Ended> {
    const file = join(folder, 'docker');
    writeFileSync(file, `#!/bin/sh\n[ "$1" = ${word} ] || exit 0\ncat >&2 <<'END'\n${words}\nEND\nexit 1\n`);
    chmodSync(file, 0o755);
    return testContainers({ PATH: `${folder}:/usr/bin:/bin` });
  }

  test.each([
    [
      'info',
      'Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?',
      /no Docker/,
    ],
    [
      'info',
      'failed to connect to the docker API at unix:///run/docker.sock; check if the path is correct and if the daemon is running: dial unix /run/docker.sock: connect: no such file or directory',
      /no Docker engine/,
    ],
    ['compose', "docker: 'compose' is not a docker command.", /install the compose plugin/],
    ['compose', 'docker: unknown command: docker compose', /install the compose plugin/],
  ])('without what docker %s needs, the tests are skipped: %s', async (word, words, why) => {
    const { code, stdout, stderr } = await withDocker(word, words);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^test:containers: skipped, .+\n$/);
    expect(stdout).toMatch(why);
  });

  test.each([
    ['info', 'permission denied while trying to connect to the docker API at unix:///run/docker.sock'],
    ['info', 'Error response from daemon: client version 1.50 is too new'],
    ['compose', 'error while loading shared libraries: libc.so.6'],
  ])('one whose docker %s fails for another reason fails the tests, in its words: %s', async (word, words) => {
    const { code, stdout, stderr } = await withDocker(word, words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(new RegExp(`^test:containers: docker ${word}.* failed: ${words}\\n$`));
  });

  test('that is not there at all is told as such', async () => {
    const { code, stdout } = await testContainers({ PATH: folder });
    expect([code, stdout]).toEqual([0, 'test:containers: skipped, docker is not installed\n']);
  });
});
