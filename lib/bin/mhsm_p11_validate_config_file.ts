/** Says whether a configuration file is good, without the network. */
import { Command } from 'commander';
import { configurationFile, loadConfiguration } from '../config/load.ts';
import { runProgram, warnAs } from './program.ts';

const NAME = 'mhsm_p11_validate_config_file';

const program = new Command(NAME)
  .description('Checks a configuration file of the PKCS#11 library, without asking the HSM (mhsm-p11 check does).')
  .option('--file <path>', 'the file (default: MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf)')
  .addHelpText('after', '\nExit status: 0 when the file is good, 1 when it is not. Warnings are on standard error.\n')
  .allowExcessArguments(false);

async function validate({ file = configurationFile(process.env) }: { file?: string }): Promise<void> {
  const { configuration, warnings } = loadConfiguration(file);
  for (const warning of warnings) warnAs(NAME)(warning);
  process.stdout.write(`SUCCESS: Parsing ${file}\n`);
  for (const { slotid, label, baseUrl } of configuration.tokens) {
    process.stdout.write(`slot ${slotid}: ${label}, ${baseUrl}\n`);
  }
}

await runProgram(NAME, () => validate(program.parse().opts<{ file?: string }>()));
