import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with one plain line: `N passed, N failed`, `, N skipped` when there are some. A broken file is a failure. */
export class ClosingLine implements Reporter {
  readonly #failuresElsewhere: () => number;

  /** `failuresElsewhere`: what other reporters hold against the run. */
  constructor(failuresElsewhere: () => number = () => 0) {
    this.#failuresElsewhere = failuresElsewhere;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length + this.#failuresElsewhere(), skipped: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') counts.skipped++;
        else counts[state]++;
      }
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  }
}
