/** Says whether a configuration file is good, without the network. */
import type { Command } from 'commander';
import { configurationFile, loadConfiguration } from '../../config/load.ts';
import { addNotes, createProgram, warnAs } from '../program.ts';
import { printable } from '../terminal.ts';

const NAME = 'mhsm_p11_validate_config_file';

export function validateConfigFileProgram(): Command {
  const program = createProgram(NAME)
    .description('Checks a configuration file of the PKCS#11 library, without asking the HSM (mhsm-p11 doctor does).')
    .option('--file <path>', 'the file (default: MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf)')
    .allowExcessArguments(false)
    .action(validate);
  return addNotes(program, 'Warnings are on standard error.');
}

function validate({ file = configurationFile(process.env) }: { file?: string }): void {
  const { configuration, warnings } = loadConfiguration(file);
  for (const warning of warnings) warnAs(NAME)(warning);
  process.stdout.write(`SUCCESS: Parsing ${printable(file)}\n`);
  for (const { slotid, label, baseUrl } of configuration.tokens) {
    process.stdout.write(`slot ${slotid}: ${printable(label)}, ${baseUrl}\n`);
  }
}
