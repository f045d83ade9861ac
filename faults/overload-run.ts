/** `npm run faults -- --overload`: prints what was found, writes it, and ends with 1 when a promise is broken. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import type { Form } from './fault.ts';
import { overload, overloadTable, PLANS } from './overload.ts';
import { slownessOf, violationsOf } from './overload-figures.ts';
import { OverloadSite } from './overload-site.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const load = () => loadavg()[0]?.toFixed(1);

export async function runOverload(form: Form, out: string): Promise<void> {
  const plan = PLANS[form];
  say(
    `an HSM of ${plan.capacity} signatures/s, deadline ${plan.deadlineMs} ms, on ${cpus().length} processors, load ${load()}`,
  );
  const site = await OverloadSite.start(plan);
  try {
    const { count, durationMs } = await site.bare();
    const bare = (count / durationMs) * 1000;
    say(`  REST alone: ${bare.toFixed(1)} signatures/s, load ${load()}`);
    const found = await overload(site, bare);
    const nginx = await site.handshakes();
    const table = overloadTable(found, nginx, plan);
    say(`\n${table}\nload ${load()}`);
    for (const reason of nginx.reasons) say(`  nginx: ${reason}`);
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'overload.md'), table);
    writeFileSync(join(out, 'overload.json'), `${JSON.stringify({ plan, nginx, ...found }, null, 2)}\n`);
    const slow = nginx.perSecond / bare < 0.9 ? [`nginx made ${(nginx.perSecond / bare).toFixed(2)} of that`] : [];
    const broken = [...violationsOf(found), ...slownessOf(found), ...slow];
    for (const violation of broken) say(`  ✗ ${violation}`);
    if (broken.length > 0) process.exitCode = 1;
  } finally {
    await site.stop();
  }
}
