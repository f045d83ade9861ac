import { listKeysProgram } from './commands/list-keys.ts';
import { runProgram } from './program.ts';

await runProgram(listKeysProgram());
