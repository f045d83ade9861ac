import { Pkcs11Error } from '../pkcs11/error.ts';

/** What a wrong command line or environment is answered with: one line that says what to do. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

function lineOf(error: unknown): string {
  if (error instanceof Pkcs11Error) return error.line;
  if (error instanceof UsageError) return `${error.message}; hint: ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

/** The number of a --slot option. Throws UsageError. */
export function slotOption(slot: string | undefined): number | undefined {
  if (slot === undefined) return undefined;
  if (!/^\d{1,15}$/.test(slot))
    throw new UsageError(`--slot ${slot} is not a number`, 'give the slotid of a token in the configuration');
  return Number(slot);
}

/** Runs a program's work: exit status 1 and one line on standard error when it fails. */
export async function runProgram(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`${name}: ${lineOf(error).replaceAll(/\s+/g, ' ')}\n`);
    process.exitCode = 1;
  }
}

/** Warnings of a program, a line each. */
export function warnAs(name: string): (line: string) => void {
  return (line) => process.stderr.write(`${name}: warning: ${line}\n`);
}
