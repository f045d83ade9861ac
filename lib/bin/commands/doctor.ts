/** `mhsm-p11 doctor`: everything that stands between a server and its signatures, and what to do about it. */
import { type Command, Option } from 'commander';
import type { Configuration, TokenConfiguration } from '../../config/configuration.ts';
import { configurationFile, examineFile } from '../../config/load.ts';
import { type Finding, failed, failure, good, skipped, warning } from '../doctor/finding.ts';
import { MAX_TRIED } from '../doctor/keys.ts';
import { examineNetwork } from '../doctor/network.ts';
import { countOf, type Section, sectionText, summaryText } from '../doctor/report.ts';
import { type Examination, examineToken } from '../doctor/token.ts';
import { IDENTITY_HELP, slotOption, type TokenChoice } from '../options.ts';
import { EXIT } from '../program.ts';
import { chooseToken } from '../token.ts';

interface Options extends TokenChoice {
  key?: string;
  allKeys?: boolean;
  speed: boolean;
  json?: boolean;
}

function examineConfiguration(): { configuration: Configuration | undefined; section: Section } {
  const file = configurationFile(process.env);
  const place = 'configuration';
  try {
    const { configuration, problems, warnings } = examineFile(file);
    const findings = [
      ...(configuration === undefined ? [] : [good('file', `${file} has ${configuration.tokens.length} token(s)`)]),
      ...problems.map(({ message, hint }) => failed('file', message, hint)),
      ...warnings.map((line) => warning('file', line, 'correct the file; docs/configuration.md lists all keys')),
    ];
    return { configuration, section: { place, findings } };
  } catch (error) {
    return { configuration: undefined, section: { place, findings: [failure('file', error)] } };
  }
}

async function examineSlot(
  token: TokenConfiguration,
  configuration: Configuration,
  examination: Examination,
): Promise<Section> {
  const network = await examineNetwork(token, configuration);
  const reached = network.every(({ outcome }) => outcome !== 'failed');
  const rest: Finding[] = reached
    ? await examineToken(token, configuration, examination)
    : [skipped('identity', 'the network'), skipped('keys', 'the network')];
  return { place: `slot ${token.slotid}, ${token.baseUrl}`, findings: [...network, ...rest] };
}

async function doctor({ slot, identity = false, key, allKeys = false, speed, json = false }: Options): Promise<void> {
  const number = slotOption(slot);
  const { configuration, section } = examineConfiguration();
  const sections: Section[] = [];
  const tell = (each: Section) => {
    sections.push(each);
    if (!json) process.stdout.write(sectionText(each));
  };
  tell(section);
  const all = configuration?.tokens ?? [];
  const chosen = number === undefined || configuration === undefined ? all : [chooseToken(configuration, number)];
  for (const token of chosen) {
    if (configuration !== undefined) tell(await examineSlot(token, configuration, { identity, key, allKeys, speed }));
  }
  process.stdout.write(json ? `${JSON.stringify(sections, null, 2)}\n` : summaryText(sections));
  process.exitCode = countOf(sections, 'failed') === 0 ? EXIT.ok.status : EXIT.failed.status;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('examines configuration, network, identity, roles, keys and speed; says for each failure what to do')
    .option('--key <name>', 'only the key of this name or label')
    .addOption(new Option('--all-keys', `all keys, however many (default: the first ${MAX_TRIED})`).conflicts('key'))
    .option('--no-speed', 'leave out latency and throughput')
    .option('--json', 'print the findings as JSON')
    .option('--slot <number>', 'only the token of this slotid (default: all)')
    .option('--identity', IDENTITY_HELP)
    .action(doctor);
}
