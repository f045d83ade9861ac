import { closeSync, existsSync, fstatSync, globSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Where each file ended at some moment. */
export type Mark = ReadonlyMap<string, number>;

function endOf(path: string): number {
  const fd = openSync(path, 'r');
  const { size } = fstatSync(fd);
  closeSync(fd);
  return size;
}

function readFrom(path: string, start: number): string {
  const fd = openSync(path, 'r');
  const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - start));
  const count = readSync(fd, bytes, 0, bytes.length, start);
  closeSync(fd);
  return bytes.toString('utf8', 0, count);
}

/** The agent writes JSON lines; the sentence is what a person reads. */
function sentenceOf(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    return String((JSON.parse(line) as { msg?: unknown }).msg);
  } catch {
    return line;
  }
}

/** What was written meanwhile to the server's error log and to the logs of the agents, which come and go. */
export class LogLines {
  readonly #errorLog: string;
  readonly #agentFolder: string;

  constructor(errorLog: string, agentFolder: string) {
    this.#errorLog = errorLog;
    this.#agentFolder = agentFolder;
  }

  #files(): string[] {
    const agents = globSync('*.log', { cwd: this.#agentFolder }).map((name) => join(this.#agentFolder, name));
    return [this.#errorLog, ...agents].filter((path) => existsSync(path));
  }

  mark(): Mark {
    return new Map(this.#files().map((path) => [path, endOf(path)]));
  }

  /** Sentences since then, of the server first. */
  since(mark: Mark): string[] {
    const texts = this.#files().map((path) => readFrom(path, mark.get(path) ?? 0));
    return texts.flatMap((text) => text.split('\n').filter(Boolean).map(sentenceOf));
  }
}
