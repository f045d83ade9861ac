import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mustRun } from '../../demo/process.ts';
import { BUILD } from '../../native/test/driver.ts';
import { Launcher, Scene, until } from '../../native/test/launcher.ts';

let scene: Scene;
let launcher: Launcher;
let pem: string;
/** A pipe as the token's certificate: an agent starts for as long as nobody writes to it. */
let pipe: string;

beforeEach(async () => {
  scene = new Scene();
  pipe = join(scene.folder, 'certificate.pem');
  await mustRun('mkfifo', [pipe]);
  const made = await mustRun('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', '/dev/null', '-subj', '/CN=www.example.com', '-days', '2'],
  ]);
  pem = made.stdout;
  writeFileSync(
    scene.configuration,
    JSON.stringify({ tokens: [{ slotid: 0, resourceName: 'demo', certificates: [pipe] }] }),
  );
  launcher = new Launcher(BUILD, scene, ['--foreground', '--agent', join(BUILD, 'mhsm-pkcs11-agent')]);
});

afterEach(async () => {
  launcher.process.kill('SIGTERM');
  await launcher.exit;
  await scene.clean();
});

/** The process ids of the agents there are, the oldest first. */
function agents(): number[] {
  const { pid } = launcher.process;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

function openForWriting(): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

/** Waits until an agent reads its certificate, and lets it go on after `meanwhile`. */
async function onceItStarts(meanwhile: () => void): Promise<void> {
  const writer = await until('an agent that reads', openForWriting);
  meanwhile();
  writeSync(writer, pem);
  closeSync(writer);
}

const signalTheLast = (signal: NodeJS.Signals) => () => void kill(agents().at(-1) ?? -1, signal);

test('SIGHUP to an agent that starts brings a successor as soon as it has started', async () => {
  await onceItStarts(signalTheLast('SIGHUP'));
  await launcher.ready();
  const [first] = agents();
  await onceItStarts(() => expect(agents()).toHaveLength(2));
  await until('the end of the first', () => !agents().includes(first ?? -1));
  expect(agents()).toHaveLength(1);
  expect(launcher.stderr).not.toContain('ended by signal');
});

test('SIGTERM to an agent that starts is a good end', async () => {
  await onceItStarts(signalTheLast('SIGTERM'));
  await until('its end', () => launcher.stderr.includes('the agent ended because nobody called'));
  expect(launcher.stderr).not.toContain('ended by signal');
});
