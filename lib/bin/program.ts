/** What all programs have in common: how they fail, what they exit with, their version. */
import { Command, CommanderError } from 'commander';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { printable } from './terminal.ts';

export const VERSION = '0.1.0';

/** Exit status of every program. */
export const EXIT = {
  ok: { status: 0, meaning: 'done; for a check: all is well' },
  failed: {
    status: 1,
    meaning: 'the work failed, or the answer is no',
  },
  usage: { status: 2, meaning: 'the command line or the environment is wrong; nothing was done' },
} as const;

/** What all programs take from the environment. */
export const ENVIRONMENT = [
  ['MHSM_CLIENT_ID', 'application (client) id of the service principal to act as'],
  ['MHSM_CLIENT_SECRET', 'its client secret'],
  ['MHSM_PKCS11_CONF', 'configuration file (default: /etc/mhsm-pkcs11.conf)'],
] as const;
export const WITHOUT_ENVIRONMENT =
  'With --identity, msi.identityMSI or a credential of the token in the configuration, the first two may be missing.';

/** What a wrong command line or environment is answered with: one line that says what to do. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

/** Work that could not be done, for a reason that is nobody's CKR code. */
export class FailedError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'FailedError';
    this.hint = hint;
  }
}

/** Longest argument of the command line that a complaint quotes whole. */
const MAX_QUOTED = 60;

/** A complaint in which long arguments of the command line, or the values in them, stand by their beginning. */
function withShortArguments(words: string): string {
  const quoted = process.argv.slice(2).flatMap((argument) => [argument, argument.slice(argument.indexOf('=') + 1)]);
  const long = quoted.filter(({ length }) => length > MAX_QUOTED);
  return long.reduce((text, argument) => text.replaceAll(argument, `${argument.slice(0, MAX_QUOTED - 3)}...`), words);
}

/** Message and hint in one line. */
export function lineOf(error: unknown): string {
  return printable(withShortArguments(wordsOf(error)).replaceAll(/\s+/g, ' '));
}

function wordsOf(error: unknown): string {
  if (error instanceof Pkcs11Error) return error.line;
  if (error instanceof UsageError || error instanceof FailedError) return `${error.message}; hint: ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

const notes = new WeakMap<Command, string>();

/** Text that follows the options, in --help and on the manual page. */
export function addNotes<T extends Command>(command: T, text: string): T {
  notes.set(command, text);
  return command.addHelpText('after', `\n${text}`);
}

/** What addNotes added. */
export function notesOf(command: Command): string | undefined {
  return notes.get(command);
}

function helpText(): string {
  const environment = ENVIRONMENT.map(([name, what]) => `  ${name.padEnd(18)}  ${what}`).join('\n');
  const statuses = Object.values(EXIT).map(({ status, meaning }) => `  ${status}  ${meaning}`);
  return `
Environment:
${environment}
${WITHOUT_ENVIRONMENT.replace(' in the configuration,', '\nin the configuration,')}

Exit status:
${statuses.join('\n')}`;
}

/** A program or the root of its commands, with its own name in front of every complaint. */
export function createProgram(name: string): Command {
  return new Command(name)
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('afterAll', helpText())
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const message = withShortArguments(text)
          .replace(/^error: /, '')
          .trim()
          .replaceAll(/\s+/g, ' ');
        write(`${name}: ${printable(message)}; hint: ${name} --help\n`);
      },
    });
}

/** Commander has told already what was wrong with the command line. */
function statusOf(name: string, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok.status : EXIT.usage.status;
  complainAs(name)(error);
  return error instanceof UsageError ? EXIT.usage.status : EXIT.failed.status;
}

/** Whoever reads the output may have read enough (`| head`): that is no failure of the program. A full disk is one. */
function endWithReader(name: string, error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`${name}: cannot write the output: ${error.message}\n`);
  process.exit(EXIT.failed.status);
}

/** Every command of a program, itself first. */
function commandsOf(program: Command): Command[] {
  return [program, ...program.commands.flatMap(commandsOf)];
}

/** A forgotten value: the next option was taken for it, --help among them. Who means it writes --option=--value. */
function isOptionOf(command: Command, option: string, value: unknown): boolean {
  const options = command.createHelp().visibleOptions(command);
  const isOne = options.some(({ long, short }) => value === long || value === short);
  return isOne && !process.argv.includes(`${option}=${value}`);
}

/** What commander takes in silence, for every option: an empty value, another option as one, and a second one. */
function refuseOddValues(program: Command): void {
  for (const command of commandsOf(program)) {
    for (const option of command.options.filter(({ required, optional }) => required || optional)) {
      const name = option.long ?? option.flags;
      // Options with choices are read too; only those that collect may be given again.
      const mayRepeat = option.parseArg !== undefined && option.argChoices === undefined;
      let given = 0;
      command.on(`option:${option.name()}`, (value: unknown) => {
        given++;
        if (value === '') throw new UsageError(`${name} is empty`, 'give it a value, or leave it out');
        if (isOptionOf(command, name, value))
          throw new UsageError(`${name} has no value before ${value}`, 'give it one, or leave it out');
        if (given > 1 && !mayRepeat)
          throw new UsageError(`${name} is given twice`, 'nobody knows which of the two you mean: leave one out');
      });
    }
  }
}

/** Runs a program with the arguments of the process, and sets its exit status. */
export async function runProgram(program: Command): Promise<void> {
  process.stdout.on('error', (error) => endWithReader(program.name(), error));
  try {
    refuseOddValues(program);
    await program.parseAsync();
  } catch (error) {
    process.exitCode = statusOf(program.name(), error);
  }
}

/** Complaints of a program, a line each. */
export function complainAs(name: string): (error: unknown) => void {
  return (error) => process.stderr.write(`${name}: ${lineOf(error)}\n`);
}

/** Warnings of a program, a line each. */
export function warnAs(name: string): (line: string) => void {
  return (line) => process.stderr.write(`${name}: warning: ${printable(line)}\n`);
}
