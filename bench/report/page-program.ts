// What runs in the page, in one piece.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export interface PageProgram {
  readonly code: string;
  /** Of the libraries in it, each text once. */
  readonly licences: readonly string[];
}

const CHECKOUT = join(import.meta.dirname, '../..');

function licencesOf(paths: readonly string[]): string[] {
  const packages = paths.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  const files = packages.map((folder) => join(CHECKOUT, folder, 'LICENSE')).filter((file) => existsSync(file));
  return [...new Set(files.map((file) => readFileSync(file, 'utf8').trim()))];
}

export async function pageProgram(): Promise<PageProgram> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, 'browser/main.ts')],
    absWorkingDir: CHECKOUT,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'iife',
    target: 'es2022',
    logLevel: 'warning',
  });
  return { code: outputFiles[0]?.text ?? '', licences: licencesOf(Object.keys(metafile.inputs)) };
}
