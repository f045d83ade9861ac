/** `npm run test:containers`: the tests with containers, where there is Docker; nothing of them is left, however they end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buildImages, removeProject, whyNoContainers } from './engine.ts';

const why = await whyNoContainers().catch((error: Error) => {
  process.stderr.write(`test:containers: ${error.message}\n`);
  process.exit(1);
});
if (why !== undefined) {
  process.stdout.write(`test:containers: skipped, ${why}\n`);
  process.exit(0);
}

await buildImages();
const project = `mhsm-containers-${process.pid}`;
const tests = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--config', 'containers/vitest.config.ts', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, CONTAINERS_PROJECT: project } },
);
// Ctrl-C reaches the tests by itself; here it must not end the one who cleans up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tests.kill(signal));
const [status] = await once(tests, 'exit');
await removeProject(project);
process.exitCode = typeof status === 'number' ? status : 1;
