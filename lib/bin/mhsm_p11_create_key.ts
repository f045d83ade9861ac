import { createKeyProgram } from './commands/create-key.ts';
import { runProgram } from './program.ts';

await runProgram(createKeyProgram());
