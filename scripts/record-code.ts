// Runs the agent's program, and keeps the code that it has when it has answered.
//
// record-code.ts PROGRAM NAME --config FILE, with NAME of the abstract socket that is descriptor 3
import { openSync, rmSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { codeFileOf, loadProgram } from '../lib/bin/kept-code.ts';

const [programFile = '', socketName = ''] = process.argv.splice(2, 2);
rmSync(codeFileOf(programFile), { force: true });
// Before the agent gives up root.
const kept = openSync(codeFileOf(programFile), 'wx', 0o644);
const { script, run } = loadProgram(programFile);
run();
request({ socketPath: `\0${socketName}`, path: '/status' }, (answer) => {
  answer.resume();
  answer.once('end', () => {
    // V8 takes code only with the options that it had when the code was kept; this one the agent sets after its start.
    setFlagsFromString('--heap-growing-percent=0');
    writeSync(kept, script.createCachedData());
    process.exit(0);
  });
}).end();
