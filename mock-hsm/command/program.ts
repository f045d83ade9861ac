// Command line of the mock. What a command prints is its result; everything else goes to standard error.
import { Command } from 'commander';
import { faultGrammar } from '../traffic/fault-flag.ts';
import { directoryCommands } from './directory-commands.ts';
import { fail } from './fail.ts';
import { serveCommand } from './serve.ts';

const serve = serveCommand();

const program = new Command('mock-hsm')
  .usage('[command] [options]')
  .description(
    'A Managed HSM on this machine: key data plane, local RBAC and Entra ID over HTTPS.\n' +
      'It is a mock: keys in the data folder are not protected against whoever can read it.',
  )
  .addCommand(serve, { isDefault: true })
  .addHelpText('after', () => `\n${serve.helpInformation()}${faultGrammar}${example}`);

for (const command of directoryCommands()) program.addCommand(command);

const example = `
To use it:
  mock-hsm --data-dir D &  . D/env  and trust D/ca.pem (curl --cacert D/ca.pem).

To add to it, while it runs or before (each command has its --help):
  mock-hsm add service-principal keygen --data-dir D            prints its ids and its secret
  mock-hsm assign-role "Managed HSM Crypto User" keygen --scope /keys --data-dir D
  mock-hsm add managed-identity web --system --data-dir D       tokens by --imds-port
  mock-hsm add user alice --upn alice@contoso.example --password-from stdin --data-dir D
  mock-hsm list principals --data-dir D
  mock-hsm --data-dir D --seed-file seed.yaml                   all of that from one file
`;

/** Does what the arguments of this process say, and ends the process with an error when that fails. */
export const run = (): Promise<unknown> => program.parseAsync().catch(fail);
