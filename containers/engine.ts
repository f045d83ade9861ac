import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DEADLINE_MS = 20_000;

/** What docker says of something that is not there, as opposed to something that is and fails. */
const ABSENT = {
  engine:
    /Cannot connect to the Docker daemon|failed to connect to the docker API.*(no such file|connection refused)/is,
  compose: /'compose' is not a docker command|unknown command: docker compose/i,
};

/**
 * Why the tests with containers cannot run here, with what to do about it; undefined where they can. Throws with docker's
 * words when it is there and fails: tests that are skipped for a missing right would never run, and nobody would know.
 */
export async function whyNoContainers(): Promise<string | undefined> {
  return (
    (await whyNot(['info'], ABSENT.engine, 'no Docker engine answers: start one, or set DOCKER_HOST')) ??
    (await whyNot(
      ['compose', 'version'],
      ABSENT.compose,
      'docker has no compose: install the compose plugin (version 2)',
    ))
  );
}

interface Failure {
  /** ENOENT where there is no such program, else its exit status; null when it was ended. */
  readonly code?: string | number | null;
  readonly killed?: boolean;
  readonly stderr?: string;
}

async function whyNot(args: readonly string[], absent: RegExp, meaning: string): Promise<string | undefined> {
  try {
    await run('docker', args, { timeout: DEADLINE_MS });
    return undefined;
  } catch (error) {
    const { code, killed = false, stderr = '' } = error as Failure;
    if (code === 'ENOENT') return 'docker is not installed';
    if (absent.test(stderr)) return meaning;
    const words = killed ? `no answer within ${DEADLINE_MS / 1000} s` : stderr.trim() || `exit status ${code}`;
    throw new Error(`docker ${args.join(' ')} failed: ${words}`);
  }
}

/** Builds all images of docker-compose.yml, saying how far it is. Throws when one cannot be built. */
export async function buildImages(): Promise<void> {
  const build = spawn('docker', ['compose', '--profile', '*', 'build'], { stdio: 'inherit' });
  const [status] = await once(build, 'exit');
  if (status !== 0) throw new Error(`docker compose build ended with ${status}: see its message above`);
}

/** Removes all that a compose project has: containers, running or not, its networks and its volumes. Images stay. */
export async function removeProject(project: string): Promise<void> {
  for (const [list, remove] of THINGS) {
    const { stdout } = await run('docker', [...list, '--filter', `label=com.docker.compose.project=${project}`]);
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await run('docker', [...remove, ...ids]);
  }
}

/** How each kind is listed and removed; containers first, since they hold the others. */
const THINGS: readonly (readonly [list: readonly string[], remove: readonly string[]])[] = [
  [
    ['ps', '--all', '--quiet'],
    ['rm', '--force', '--volumes'],
  ],
  [
    ['network', 'ls', '--quiet'],
    ['network', 'rm'],
  ],
  [
    ['volume', 'ls', '--quiet'],
    ['volume', 'rm'],
  ],
];
