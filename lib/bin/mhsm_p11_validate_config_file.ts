import { validateConfigFileProgram } from './commands/validate-config-file.ts';
import { runProgram } from './program.ts';

await runProgram(validateConfigFileProgram());
