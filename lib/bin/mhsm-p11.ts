import { mhsmP11Program } from './commands/mhsm-p11.ts';
import { runProgram } from './program.ts';

await runProgram(mhsmP11Program());
