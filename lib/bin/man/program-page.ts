/** The manual page of a program, from the same description that its --help comes from. */
import type { Command, Help } from 'commander';
import { ENVIRONMENT, EXIT, notesOf, VERSION, WITHOUT_ENVIRONMENT } from '../program.ts';
import { item, page, quoted, roff, section, verbatim } from './roff.ts';

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

function options(command: Command, help: Help): string[] {
  return help
    .visibleOptions(command)
    .flatMap((option) => item(help.optionTerm(option), sentence(help.optionDescription(option))));
}

function notes(command: Command): string[] {
  const text = notesOf(command);
  return text === undefined ? [] : verbatim(text);
}

/** Commands that do something, with those within others. */
function leaves(command: Command, help: Help): Command[] {
  return help
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')
    .flatMap((each) => (each.commands.length > 0 ? leaves(each, help) : [each]));
}

function commandSection(command: Command, help: Help): string[] {
  return [
    `.SS ${quoted(help.commandUsage(command))}`,
    roff(sentence(command.description())),
    ...options(command, help),
    ...notes(command),
  ];
}

/** man(7) source of a program's page of section 1. */
export function programPage(program: Command, others: readonly string[]): string {
  const help = program.createHelp();
  const name = program.name();
  const commands = leaves(program, help);
  const summary = program.description().replace(/\.$/, '');
  const see = [...others.filter((each) => each !== name).map((each) => `${each}(1)`), 'mhsm-pkcs11.conf(5)'];
  return page(
    { name: name.toUpperCase(), section: 1, source: `mhsm-pkcs11 ${VERSION}`, manual: 'User Commands' },
    ...section('NAME', `${roff(name)} \\- ${roff(`${summary.charAt(0).toLowerCase()}${summary.slice(1)}`)}`),
    ...section('SYNOPSIS', `.B ${quoted(help.commandUsage(program))}`),
    ...section('DESCRIPTION', roff(program.description()), ...notes(program)),
    ...section('OPTIONS', ...options(program, help)),
    ...section('COMMANDS', ...commands.flatMap((command) => commandSection(command, help))),
    ...section(
      'ENVIRONMENT',
      ...ENVIRONMENT.flatMap(([variable, what]) => item(variable, sentence(what))),
      '.PP',
      roff(WITHOUT_ENVIRONMENT),
    ),
    ...section(
      'EXIT STATUS',
      ...Object.values(EXIT).flatMap(({ status, meaning }) => item(String(status), sentence(meaning))),
    ),
    ...section('SEE ALSO', roff(see.join(', '))),
  );
}
