#!/usr/bin/env node
// Entry of the command line. It imports nothing of ours itself, so that the cache is on before that is compiled: from the
// second start on, Node finds what it stripped of types and compiled before, which halves the time to start. The cache
// lies with the installation and not in the folder for temporary files, where others could write. Without a right to
// write there, Node goes on without it.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'mock-hsm'));
const { run } = await import('./command/program.ts');
await run();
