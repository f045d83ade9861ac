import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DEADLINE_MS = 20_000;

/** Why the tests with containers cannot run here, with what to do about it; undefined where they can. */
export async function whyNoContainers(): Promise<string | undefined> {
  return (
    (await complaint(['info'], 'no Docker engine answers: start one, or set DOCKER_HOST')) ??
    (await complaint(['compose', 'version'], 'docker has no compose: install the compose plugin (version 2)'))
  );
}

async function complaint(args: readonly string[], meaning: string): Promise<string | undefined> {
  return run('docker', args, { timeout: DEADLINE_MS }).then(
    () => undefined,
    () => meaning,
  );
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
