/** What an operator asks before and after things go wrong. */
import { Command } from 'commander';
import { configurationFile, loadConfiguration } from '../config/load.ts';
import { CKA_CLASS, CKO_PRIVATE_KEY } from '../pkcs11/constants.ts';
import { ofUlong } from '../tags/values.ts';
import { runProgram, warnAs } from './program.ts';
import { Token } from './token.ts';

const NAME = 'mhsm-p11';

/** Configuration, identity, connection and key list of every token; stops at the first that is wrong. */
async function check({ identity }: { identity?: boolean }): Promise<void> {
  const file = configurationFile(process.env);
  const { configuration } = loadConfiguration(file);
  process.stdout.write(`configuration ${file}: good, ${configuration.tokens.length} token(s)\n`);
  for (const { slotid, baseUrl } of configuration.tokens) {
    const token = await Token.open({ slot: slotid, identity, warn: warnAs(NAME) });
    try {
      const keys = await token.find([{ type: CKA_CLASS, value: ofUlong(CKO_PRIVATE_KEY) }]);
      process.stdout.write(`slot ${slotid}, ${baseUrl}: logged in, ${keys.length} key(s)\n`);
    } finally {
      await token.close();
    }
  }
}

const program = new Command(NAME).description('Looks after the PKCS#11 library for Azure Managed HSM.');
program
  .command('check')
  .description('checks configuration, identity, connection and keys; says what is wrong and what to do')
  .option('--identity', 'use the managed identity instead of MHSM_CLIENT_ID and MHSM_CLIENT_SECRET')
  .action((options: { identity?: boolean }) => runProgram(NAME, () => check(options)));

await program.parseAsync();
