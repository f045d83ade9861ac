// Where a command's seed goes: to the server that runs on the data folder, or straight into the folder.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assemble } from '../assemble.ts';
import { type Description, describeSeed } from '../seed/describe.ts';
import type { SeedDocument } from '../seed/document.ts';
import { StoreError } from '../store/store-error.ts';

export interface Outcome {
  /** A sentence each. */
  readonly changes: readonly string[];
  /** What the mock holds then. */
  readonly held: Description;
}

/**
 * Applies a seed to the data folder.
 *
 * Throws an error with one clear line when the seed cannot be, or when a server has the folder and does not answer.
 */
export async function applyTo(folder: string, seed: SeedDocument): Promise<Outcome> {
  try {
    return await applyToStore(folder, seed);
  } catch (error) {
    if (!isInUse(error)) throw error;
    return askServer(folder, seed);
  }
}

/** What the data folder holds. Throws when it is none. */
export async function heldIn(folder: string): Promise<Description> {
  if (!existsSync(join(folder, 'mock-hsm.db'))) throw new Error(`${folder} is no data folder: it holds no mock-hsm.db`);
  return (await applyTo(folder, {})).held;
}

async function applyToStore(folder: string, seed: SeedDocument): Promise<Outcome> {
  // As what a mock starts with: a new folder gets its tenant and the ids of `admin` from it.
  const { service, changes, close } = await assemble({ dataDir: folder, seedDocument: seed }, 'command line');
  try {
    return { changes, held: describeSeed(service) };
  } finally {
    await close();
  }
}

/** SQLITE_BUSY: a running server holds the lock. */
const isInUse = (error: unknown) =>
  error instanceof StoreError && (error.cause as { errcode?: number } | undefined)?.errcode === 5;

async function askServer(folder: string, seed: SeedDocument): Promise<Outcome> {
  const url = serverOf(folder);
  // Most commands, and serving above all, get by without it; it is a tenth of what Node loads.
  const { Agent, request } = await import('undici');
  const agent = new Agent({ connect: { ca: readFileSync(join(folder, 'ca.pem'), 'utf8') } });
  try {
    const { statusCode, body } = await request(`${url}/mock/seed`, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(seed),
    });
    const answer = (await body.json()) as Description & { changes: string[]; error?: { message: string } };
    if (statusCode !== 200) throw new Error(answer.error?.message ?? `${url}/mock/seed answered ${statusCode}`);
    const { changes, ...held } = answer;
    return { changes, held };
  } finally {
    await agent.close();
  }
}

function serverOf(folder: string): string {
  const file = join(folder, 'env');
  const url = existsSync(file) ? /^export MHSM_URL='([^']+)'$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  if (url === undefined) {
    throw new Error(`a mock-hsm uses ${folder}, but its file env does not say where it listens; try again in a moment`);
  }
  return url;
}
