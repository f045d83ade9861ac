/** What the launcher and service managers start: the agent's program, which lies beside this one in dist/. */
import { join } from 'node:path';
import { loadProgram } from './code-cache.ts';

/** Filled in by scripts/bundle.ts. */
declare const AGENT_PROGRAM: string;

loadProgram(join(__dirname, AGENT_PROGRAM)).run();
