// Says once, at the end of an aimed run, what was left out and why.
import type { Reporter, TestModule } from 'vitest/node';
import { mockNeeds } from './needs.ts';

export class SkippedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const left = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const need = test.tags.find((tag) => tag in mockNeeds);
        const line = `${module.relativeModuleId}: ${need === undefined ? 'no reason given' : mockNeeds[need]}`;
        left.set(line, (left.get(line) ?? 0) + 1);
      }
    }
    for (const [line, count] of left) process.stdout.write(`skipped, for the mock alone: ${count} of ${line}\n`);
  }
}
