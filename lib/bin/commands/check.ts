/** `mhsm-p11 check`: the quick look at every token. */
import type { Command } from 'commander';
import { configurationFile, loadConfiguration } from '../../config/load.ts';
import { CKA_CLASS, CKO_PRIVATE_KEY } from '../../pkcs11/constants.ts';
import { ofUlong } from '../../tags/values.ts';
import { warnAs } from '../program.ts';
import { loginOf, Token } from '../token.ts';

const WARN = warnAs('mhsm-p11');

/** Configuration, identity, connection and key list of every token; stops at the first that is wrong. */
async function check({ identity = false }: { identity?: boolean }): Promise<void> {
  const file = configurationFile(process.env);
  const { configuration, warnings } = loadConfiguration(file);
  for (const warning of warnings) WARN(warning);
  process.stdout.write(`configuration ${file}: good, ${configuration.tokens.length} token(s)\n`);
  for (const chosen of configuration.tokens) {
    const token = await Token.openWith(chosen, loginOf(configuration, chosen, identity, process.env), WARN);
    try {
      const keys = await token.find([{ type: CKA_CLASS, value: ofUlong(CKO_PRIVATE_KEY) }]);
      process.stdout.write(`slot ${chosen.slotid}, ${chosen.baseUrl}: logged in, ${keys.length} key(s)\n`);
    } finally {
      await token.close();
    }
  }
}

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('the quick form of doctor: configuration, login and key list of every token')
    .option('--identity', 'use the managed identity instead of MHSM_CLIENT_ID and MHSM_CLIENT_SECRET')
    .action(check);
}
