/** Says whether a configuration file is good, without the network. */
import type { Command } from 'commander';
import { configurationFile, examineFile } from '../../config/load.ts';
import { ConfigurationError, type Examined } from '../../config/parse.ts';
import { addNotes, complainAs, createProgram, EXIT, FailedError, warnAs } from '../program.ts';
import { printable } from '../terminal.ts';

const NAME = 'mhsm_p11_validate_config_file';

export function validateConfigFileProgram(): Command {
  const program = createProgram(NAME)
    .description('Checks a configuration file of the PKCS#11 library, without asking the HSM (mhsm-p11 doctor does).')
    .option('--file <path>', 'the file (default: MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf)')
    .allowExcessArguments(false)
    .action(validate);
  return addNotes(program, 'Mistakes and warnings are on standard error, all of them, a line each.');
}

/** All mistakes in one run, and the warnings, which may say why: a misspelt key is missing where it belongs. */
function validate({ file }: { file?: string }): void {
  const path = file ?? configurationFile(process.env);
  const { configuration, problems, warnings } = examineNamed(path, file !== undefined);
  for (const warning of warnings) warnAs(NAME)(warning);
  for (const { message, hint } of problems) complainAs(NAME)(new FailedError(message, hint));
  if (configuration === undefined) {
    process.exitCode = EXIT.failed.status;
    return;
  }
  process.stdout.write(`SUCCESS: Parsing ${printable(path)}\n`);
  for (const { slotid, label, baseUrl } of configuration.tokens) {
    process.stdout.write(`slot ${slotid}: ${printable(label)}, ${baseUrl}\n`);
  }
}

/** Who named the file in the command line does not want to hear of the environment. */
function examineNamed(path: string, named: boolean): Examined {
  try {
    return examineFile(path);
  } catch (error) {
    const isMissing = error instanceof ConfigurationError && (error.cause as { code?: string })?.code === 'ENOENT';
    if (named && isMissing) throw new FailedError(error.message, 'give --file the path of a file that exists');
    throw error;
  }
}
