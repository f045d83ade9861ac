/** More handshakes than the HSM signs: what their clients see, held against what is promised. */
import { waitFor } from '../demo/process.ts';
import {
  type AgentFigures,
  type Overload,
  perSecondOf,
  REFUSED,
  stoodForOf,
  unfairnessOf,
} from './overload-figures.ts';
import { type Handshakes, MAX_CONNECTIONS, type OverloadSite, type Plan } from './overload-site.ts';
import type { Signed } from './signing-process.ts';

export const PLANS: Readonly<Record<'whole' | 'short', Plan>> = {
  whole: { capacity: 50, deadlineMs: 10_000, workers: 24, processes: 5, threads: 60, runMs: 30_000 },
  short: { capacity: 40, deadlineMs: 4_000, workers: 12, processes: 3, threads: 50, runMs: 3_000 },
};

/** A client that was refused comes again after so long. */
const COMES_AGAIN_MS = 1000;
const LAST_LINE_SECONDS = 20;

/** Waits for the line that closes the last second with refusals; gives what the agent counted by then. */
async function settled(site: OverloadSite): Promise<AgentFigures> {
  const figures = await site.figures();
  const told = () => (stoodForOf(site.linesSince(0)) >= figures.refused ? true : undefined);
  // That it never comes is found by those who look at the lines.
  await waitFor('the last line about refusals', told, LAST_LINE_SECONDS).catch(() => undefined);
  return figures;
}

/** Processes of many threads, together far more callers than may wait. */
export async function overload(site: OverloadSite, bare: number): Promise<Overload> {
  const { plan } = site;
  const signers = await site.signers();
  try {
    // The agent learns what a signature takes, as it has on a server that runs.
    await Promise.all(signers.map((signer) => signer.run(plan.deadlineMs / 2, COMES_AGAIN_MS)));
    const before = await settled(site);
    const saidBefore = signers.map(({ said }) => said.length);
    const [sinceMs, beganMs] = [Date.now(), performance.now()];
    let busySeconds = 0;
    const work = Promise.all(signers.map((signer) => signer.run(plan.runMs, COMES_AGAIN_MS))).finally(() => {
      busySeconds = (performance.now() - beganMs) / 1000;
    });
    const { result: processes, longestQueue } = await site.watchingQueue(work);
    const seconds = (performance.now() - beganMs) / 1000;
    const after = await settled(site);
    const lines = site.linesSince(sinceMs).filter(({ msg }) => REFUSED.test(msg));
    const linesOfProcesses = signers.map(
      ({ said }, nth) => said.slice(saidBefore[nth]).filter((line) => REFUSED.test(line)).length,
    );
    const [afterwards] = await Promise.all(signers.slice(0, 1).map((signer) => signer.run(1000, COMES_AGAIN_MS)));
    return {
      deadlineMs: plan.deadlineMs,
      seconds,
      busySeconds,
      bare,
      processes,
      linesOfProcesses,
      longestQueue,
      callers: plan.processes * plan.threads,
      figures: { queued: after.queued, refused: after.refused - before.refused, late: after.late - before.late },
      lines,
      afterwards: afterwards as Signed,
    };
  } finally {
    await Promise.all(signers.map((signer) => signer.stop()));
  }
}

/** The rows of the report, in Markdown. */
export function overloadTable(found: Overload, nginx: Handshakes, plan: Plan): string {
  const share = (perSecond: number) => (perSecond / found.bare).toFixed(2);
  const middle = found.processes.map(({ latencyMs }) => Math.round(latencyMs.p50)).sort((a, b) => a - b);
  const [refusedMs, slowRefusalMs] = [
    Math.max(...found.processes.map(({ failureMs }) => failureMs.p50)),
    Math.max(...found.processes.map(({ failureMs }) => failureMs.p99)),
  ];
  const failures = found.processes.reduce((sum, process) => sum + process.failures, 0);
  const rows: readonly (readonly [string, string])[] = [
    [`REST without the library, ${MAX_CONNECTIONS} connections`, `${found.bare.toFixed(1)} signatures/s`],
    [
      `nginx, ${plan.workers} workers, ${3 * plan.capacity} handshakes/s asked for`,
      `${nginx.perSecond.toFixed(1)}/s: ${share(nginx.perSecond)} of that; ${nginx.failed} failed`,
    ],
    [
      `${plan.processes} processes of ${plan.threads} threads`,
      `${perSecondOf(found).toFixed(1)}/s: ${share(perSecondOf(found))} of that`,
    ],
    ['longest queue', `${found.longestQueue} of ${found.callers} callers`],
    ['waiting by process, in the middle', `${middle[0]} to ${middle.at(-1)} ms (${unfairnessOf(found).toFixed(2)})`],
    [
      'refused with CKR_FUNCTION_FAILED',
      `${failures}, in the middle after ${refusedMs.toFixed(0)} ms, 99 of 100 within ${slowRefusalMs.toFixed(0)} ms`,
    ],
    ['waited in vain', String(found.figures.late)],
    [
      'lines in the log of the agent',
      `${found.lines.length} in ${found.seconds.toFixed(0)} s, which stand for ${found.figures.refused}`,
    ],
    ['lines on the standard error of each process', found.linesOfProcesses.join(', ')],
    ['afterwards', `${found.afterwards.count} signatures, ${found.afterwards.failures} failed`],
  ];
  return `| | |\n| --- | --- |\n${rows.map(([what, value]) => `| ${what} | ${value} |\n`).join('')}`;
}
