/** `mhsm-p11 check`: the quick look at every token; stops at the first thing that is wrong. */
import type { Command } from 'commander';
import type { Configuration, TokenConfiguration } from '../../config/configuration.ts';
import { configurationFile, loadConfiguration } from '../../config/load.ts';
import type { HsmIdentity, KeySummary } from '../../core/hsm.ts';
import { Key } from '../../core/key.ts';
import { isRefusal, trialOf } from '../doctor/keys.ts';
import { IDENTITY_HELP } from '../options.ts';
import { FailedError, warnAs } from '../program.ts';
import { printable } from '../terminal.ts';
import { loginOf } from '../token.ts';
import { withIdentityOf } from '../token-identity.ts';

const WARN = warnAs('mhsm-p11');

/** The name of the first key that signs; undefined when there is none that may. Rejects with the last refusal. */
async function firstThatSigns(identity: HsmIdentity, keys: readonly KeySummary[]): Promise<string | undefined> {
  let refusal: unknown;
  for (const { name } of keys) {
    const trial = trialOf(await identity.getKey(name));
    if (trial === undefined) continue;
    try {
      await identity.sign(name, trial.key.version, trial.algorithm, trial.digest);
      return name;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal = error;
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}

async function checkToken(token: TokenConfiguration, configuration: Configuration, managed: boolean): Promise<string> {
  return withIdentityOf(loginOf(configuration, token, managed, process.env), WARN, async (identity) => {
    await identity.authenticate();
    const keys = (await identity.listKeys()).filter((key) => !new Key(key).damaged);
    const name = await firstThatSigns(identity, keys);
    if (name === undefined) {
      throw new FailedError(`${token.baseUrl} has no key that may sign`, 'make one with mhsm_p11_create_key');
    }
    return `slot ${token.slotid}, ${token.baseUrl}: logged in, ${keys.length} key(s), signs with ${name}`;
  });
}

async function check({ identity = false }: { identity?: boolean }): Promise<void> {
  const file = configurationFile(process.env);
  const { configuration, warnings } = loadConfiguration(file);
  for (const warning of warnings) WARN(warning);
  process.stdout.write(`configuration ${printable(file)}: good, ${configuration.tokens.length} token(s)\n`);
  for (const token of configuration.tokens) {
    process.stdout.write(`${await checkToken(token, configuration, identity)}\n`);
  }
}

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('the quick form of doctor: configuration, login, key list and one signature of every token')
    .option('--identity', IDENTITY_HELP)
    .action(check);
}
