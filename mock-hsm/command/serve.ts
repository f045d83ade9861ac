// `mock-hsm serve`: prints one line on standard output when it serves, and stops on SIGTERM and SIGINT.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { writeEnvironment } from '../environment-file.ts';
import { type MockHsm, startMockHsm } from '../start.ts';
import { fail } from './fail.ts';
import { hsmOptions, serveOptions } from './serve-options.ts';

export function serveCommand(): Command {
  const command = new Command('serve').description('serve until a signal comes (the default command)');
  for (const option of serveOptions) command.addOption(option);
  // Whatever is no command comes here as an argument, for this is the default one.
  return command.allowExcessArguments().action((flags: Readonly<Record<string, unknown>>) => {
    const [stray] = command.args;
    if (stray !== undefined) command.error(`error: unknown command '${stray}'; mock-hsm --help shows all commands`);
    return serve(flags);
  });
}

async function serve(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const options = hsmOptions(flags);
  const folder = options.dataDir ?? temporaryFolder();
  const hsm = await startMockHsm({ ...options, dataDir: folder });
  stopOnSignals(hsm);
  writeEnvironment(folder, hsm);
  if (options.dataDir === undefined) process.stderr.write(`mock-hsm: temporary data folder ${folder}\n`);
  process.stdout.write(`ready ${hsm.url}\n`);
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-'));
  // Also after a crash; `exit` runs synchronous code alone.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function stopOnSignals(hsm: MockHsm): void {
  const stop = () => {
    hsm.close().then(() => process.exit(0), fail);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
