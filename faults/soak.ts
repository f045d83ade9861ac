/** Hours of changing load with a reload every minute, and what the product holds meanwhile. Ends with 1 when it grew. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { Scene } from './scene.ts';
import { isSound, soak } from './soaking.ts';

interface Options {
  minutes: string;
  rate: string;
  out: string;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

async function run({ minutes, rate, out }: Options): Promise<void> {
  const ratePerSecond = Number(rate);
  const scene = await Scene.start({ deadlineMs: 10_000, ratePerSecond });
  try {
    const result = await soak(scene, {
      minutes: Number(minutes),
      ratePerSecond,
      periodMs: 60_000,
      onSample: ({ agentKiB, agentDescriptors, sessions, workerKiB }, done, failed) =>
        say(
          `  ${done} done, ${failed} failed; agent ${agentKiB} KiB, ${agentDescriptors} descriptors, ${sessions} sessions; ` +
            `worker ${workerKiB} KiB`,
        ),
    });
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'soak.json'), `${JSON.stringify(result, null, 2)}\n`);
    say('| held | at first | at last | grew |\n| --- | --- | --- | --- |');
    for (const { quantity, start, end, grew } of result.changes) {
      say(`| ${quantity} | ${start} | ${end} | ${grew ? '**yes**' : 'no'} |`);
    }
    say(
      `a generation of workers typically gained ${result.gain.typicalKiB} KiB${result.gain.grew ? ': **grew**' : ''}`,
    );
    say(`agents that served: ${result.agents.join(', ')}`);
    say(`${result.done} handshakes done, ${result.failed} failed ${result.reasons.join('; ')}`);
    if (!isSound(result)) process.exitCode = 1;
  } finally {
    await scene.stop();
  }
}

await new Command('npm run soak --')
  .description('Whether memory, descriptors or sessions grow under changing load with a reload every minute.')
  .option('--minutes <number>', 'how long', '60')
  .option('--rate <number>', 'highest number of new TLS connections a second', '200')
  .option('--out <folder>', 'where soak.json goes', '.faults')
  .action(run)
  .parseAsync();
