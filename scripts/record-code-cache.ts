// Runs the agent's program, and writes the code cache that it has when it has answered.
//
// record-code-cache.ts PROGRAM FILE NAME --config CONFIGURATION, with NAME of the abstract socket that is descriptor 3
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { loadProgram, sealedCache } from '../lib/bin/code-cache.ts';

const [programFile = '', cacheFile = '', socketName = ''] = process.argv.splice(2, 3);
const text = readFileSync(programFile);
// Before the agent gives up root.
const cache = openSync(cacheFile, 'w', 0o644);
const { script, run } = loadProgram(programFile);
run();
request({ socketPath: `\0${socketName}`, path: '/status' }, (answer) => {
  answer.resume();
  answer.once('end', () => {
    // V8 takes a cache only with the options that it had when it was made; this one the agent sets after its start.
    setFlagsFromString('--heap-growing-percent=0');
    writeFileSync(cache, sealedCache(text, script.createCachedData()));
    process.exit(0);
  });
}).end();
