#!/usr/bin/env node
// Command line of the mock. What a command prints is its result; everything else goes to standard error.
import { Command } from 'commander';
import { fail } from './command/fail.ts';
import { serveCommand } from './command/serve.ts';
import { faultGrammar } from './traffic/fault-flag.ts';

const serve = serveCommand();

const program = new Command('mock-hsm')
  .usage('[command] [options]')
  .description(
    'A Managed HSM on this machine: key data plane, local RBAC and Entra ID over HTTPS.\n' +
      'It is a mock: keys in the data folder are not protected against whoever can read it.',
  )
  .addCommand(serve, { isDefault: true })
  .addHelpText('after', () => `\n${serve.helpInformation()}${faultGrammar}${example}`);

const example = `
To use it:
  mock-hsm --data-dir D &  . D/env  and trust D/ca.pem (curl --cacert D/ca.pem).
`;

program.parseAsync().catch(fail);
