/** `mhsm-p11`: what an operator asks before and after things go wrong, and around a certificate. */
import type { Command } from 'commander';
import { createProgram } from '../program.ts';
import { addCertificateCommands } from './certificates.ts';
import { addCheckCommand } from './check.ts';
import { addDoctorCommand } from './doctor.ts';
import { addRolesCommand } from './roles.ts';
import { addSignatureCommands } from './signatures.ts';
import { addStatusCommands } from './status.ts';
import { addTagsCommand } from './tags.ts';

export function mhsmP11Program(): Command {
  const program = createProgram('mhsm-p11').description(
    'Looks after the PKCS#11 library for Azure Managed HSM and its keys.',
  );
  addDoctorCommand(program);
  addCheckCommand(program);
  addStatusCommands(program);
  addCertificateCommands(program);
  addSignatureCommands(program);
  addTagsCommand(program);
  addRolesCommand(program);
  for (const command of program.commands) command.allowExcessArguments(false);
  return program;
}
