// The files of the page: markup, style, the browser's code (its types are stripped when it is first asked for) and the
// libraries it uses, each from its package. Nothing is fetched from elsewhere, and nothing else can be asked for.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { App } from '../traffic/call.ts';

const folder = new URL('./browser/', import.meta.url);

/** The names are those of the import map in index.html. */
const libraries: Readonly<Record<string, string>> = {
  'preact.js': 'preact',
  'preact-hooks.js': 'preact/hooks',
  'htm.js': 'htm',
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
};

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
};

/** Adds `/mock` and the files below `/mock/page/`. */
export function assetRoutes(app: App): void {
  const files = new Map<string, URL>();
  for (const name of readdirSync(folder)) if (extensionOf(name) in types) files.set(name, new URL(name, folder));
  for (const [name, module] of Object.entries(libraries)) files.set(name, new URL(import.meta.resolve(module)));
  const markup = readFileSync(new URL('index.html', folder), 'utf8');
  const policy = contentSecurityPolicy(markup);
  app.get('/mock', (_request, reply) => {
    reply.headers({ ...headersOf('index.html'), 'content-security-policy': policy });
    return markup;
  });
  for (const [name, url] of files) {
    let text: Promise<string> | undefined;
    app.get(`/mock/page/${name}`, (_request, reply) => {
      text ??= servedText(url);
      reply.headers(headersOf(name));
      return text;
    });
  }
}

/** Scripts, styles and requests of this origin alone; the one script in the markup, the import map, by its hash. */
function contentSecurityPolicy(markup: string): string {
  const inline = /<script type="importmap">([\s\S]*?)<\/script>/.exec(markup)?.[1] ?? '';
  const hash = createHash('sha256').update(inline).digest('base64');
  const own = ['style-src', 'connect-src', 'img-src'].map((kind) => `${kind} 'self'`);
  const none = ['default-src', 'base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`);
  return [...none, `script-src 'self' 'sha256-${hash}'`, ...own].join('; ');
}

async function servedText(url: URL): Promise<string> {
  const text = readFileSync(url, 'utf8');
  if (!url.pathname.endsWith('.ts')) return text;
  // WebAssembly that takes a tenth of a second to load: not for a mock whose page nobody looks at.
  const { transformSync } = await import('amaro');
  return transformSync(text, { mode: 'strip-only' }).code;
}

const extensionOf = (name: string) => name.slice(name.lastIndexOf('.') + 1);

const headersOf = (name: string) => ({
  'cache-control': 'no-cache',
  'content-type': types[extensionOf(name)] ?? 'application/octet-stream',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});
