// Requests for every route of the table, from right to absurd, and how to send one again by hand.
import fc from 'fast-check';
import { mutated, oddText, oddValue } from './odd-values.ts';
import { formSamples, samplesFor } from './samples.ts';

export interface RouteRow {
  readonly method: string;
  readonly url: string;
  /** The pool's, or that of managed identity. */
  readonly server: 'pool' | 'machine';
}

export interface FuzzRequest {
  readonly route: string;
  readonly server: RouteRow['server'];
  readonly method: string;
  /** Begins with a slash; what a request line can hold. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Which authorization goes with it. */
  readonly caller: 'all roles' | 'nobody' | 'odd';
  readonly body: Buffer | undefined;
}

/** Keys that exist when the run begins, of each kind, one of them deleted. */
export const knownNames = ['ec', 'rsa', 'oct', 'gone'] as const;

const lineText = (text: string) => text.replace(/[^\x21-\xff]/g, '').replace(/[?#]/g, '');
const encoded = (text: string) => encodeURIComponent(text.toWellFormed());
const oddSegment = fc.oneof(oddText.map(encoded), oddText.map(lineText));

const known: Readonly<Record<string, fc.Arbitrary<string>>> = {
  name: fc.constantFrom(...knownNames, 'new1', 'new2', 'NEW1'),
  version: fc.constantFrom('', '', '0'.repeat(32), 'versions'),
  id: fc.oneof(fc.uuid(), fc.constant('21dbd100-6940-42c2-9190-5d6cb909625b')),
};

const segment = (name: string): fc.Arbitrary<string> => {
  const right = known[name] ?? fc.oneof(fc.uuid(), fc.constant('common'), fc.constantFrom(...knownNames));
  return fc.oneof({ weight: 5, arbitrary: right }, { weight: 1, arbitrary: oddSegment });
};

const pathOf = (url: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      ...url.split('/').map((part) => {
        if (part.startsWith(':')) return segment(part.slice(1).replace(/\W.*/, ''));
        return part === '*' ? oddSegment : fc.constant(part);
      }),
    )
    .map((parts) => parts.join('/') || '/');

const trick: fc.Arbitrary<(path: string) => string> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((path: string) => path) },
  fc.constantFrom(
    (path: string) => `/${path}`,
    (path: string) => `${path}/`,
    (path: string) => path.toUpperCase(),
    (path: string) => `/x/..${path}`,
    (path: string) => `/%2e%2e${path}`,
    (path: string) => `${path}/../..`,
    (path: string) => `${path};x=y`,
    (path: string) => `${path}%00`,
    (path: string) => path.replace(/\//g, '%2f').replace('%2f', '/'),
    (path: string) => `${path}/${'x'.repeat(18_000)}`,
    (path: string) => path.replaceAll('/', '//'),
  ),
);

const oddParameter = fc
  .tuple(
    fc.constantFrom('maxresults', '$skiptoken', '$filter', 'api-version', 'after', 'resource', '__proto__'),
    oddText,
  )
  .map(([name, value]) => `${name}=${encoded(value)}`);

const query: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant('api-version=7.4') },
      fc.constantFrom('', 'api-version=', 'api-version=7.4&api-version=7.4', 'api-version[]=7.4', '&&=&', '%=%zz'),
    ),
    fc.array(oddParameter, { maxLength: 2 }),
  )
  .map(([version, more]) => [version, ...more].filter((each) => each !== '').join('&'))
  .map((text) => (text === '' ? '' : `?${text}`));

const headerText = oddText.map((text) => text.replace(/[^\x20-\x7e\x80-\xff]/g, '').trim());

const headers: fc.Arbitrary<Record<string, string>> = fc
  .array(
    fc.oneof(
      fc.tuple(
        fc.constant('host'),
        fc.constantFrom('x.managedhsm.azure.net', '', 'a b', '[::1]:1', '..', 'x'.repeat(300)),
      ),
      fc.tuple(
        fc.constant('content-type'),
        fc.constantFrom(
          'application/json; charset=utf-16',
          'text/plain',
          '',
          ';;;',
          'multipart/form-data; boundary=x',
          'é',
        ),
      ),
      fc.tuple(
        fc.constantFrom('accept', 'x-ms-client-request-id', 'metadata', 'x-forwarded-host', 'cookie'),
        headerText,
      ),
    ),
    { maxLength: 2 },
  )
  .map((entries) => Object.fromEntries(entries));

interface Body {
  readonly type: string | undefined;
  readonly bytes: Buffer | undefined;
}

const json = (value: unknown): Body => ({ type: 'application/json', bytes: Buffer.from(JSON.stringify(value) ?? '') });
const form = (fields: unknown): Body => ({
  type: 'application/x-www-form-urlencoded',
  bytes: Buffer.from(
    new URLSearchParams(
      Object.entries(fields ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString(),
  ),
});
const raw = (bytes: Uint8Array | string): Body => ({ type: 'application/json', bytes: Buffer.from(bytes as string) });

const bodyFor = (url: string): fc.Arbitrary<Body> => {
  const sample = mutated(samplesFor(url));
  return fc.oneof(
    { weight: 16, arbitrary: sample.map(json) },
    { weight: /token|device|login/i.test(url) ? 24 : 1, arbitrary: mutated(formSamples).map(form) },
    { weight: 2, arbitrary: oddValue.map(json) },
    fc.tuple(sample, fc.nat(200)).map(([value, end]) => raw((JSON.stringify(value) ?? '').slice(0, end))),
    fc.uint8Array({ maxLength: 300 }).map(raw),
    fc.nat(30_000).map((depth) => raw(`${'['.repeat(depth)}${']'.repeat(depth)}`)),
    fc.constant(raw(`{"kty":"EC-HSM","x":"${'x'.repeat(400_000)}"}`)),
    fc.constant({ type: undefined, bytes: undefined }),
  );
};

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'QUERY'];

/** Any request that begins from one of the routes. */
export const requestFor = (rows: readonly RouteRow[]): fc.Arbitrary<FuzzRequest> =>
  fc.constantFrom(...rows).chain(({ method, url, server }) =>
    fc
      .record({
        method: fc.oneof({ weight: 12, arbitrary: fc.constant(method) }, fc.constantFrom(...methods)),
        path: fc.tuple(pathOf(url), trick).map(([path, change]) => change(path)),
        query,
        headers,
        caller: fc.oneof(
          { weight: 10, arbitrary: fc.constant('all roles' as const) },
          fc.constantFrom('nobody', 'odd'),
        ),
        body: bodyFor(url),
      })
      .map(({ path, query: search, headers: more, body, ...rest }) => ({
        ...rest,
        route: `${method} ${url}`,
        server,
        path: `${path}${search}`,
        headers: { ...(body.type === undefined ? {} : { 'content-type': body.type }), ...more },
        body: body.bytes,
      })),
  );

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A line that sends the request again. The body goes by base64, since a shell cannot hold every byte. */
export function curlLine({ method, path, headers, caller, body, server }: FuzzRequest): string {
  const parts = ['curl --path-as-is --cacert "$CA" -i', `-X ${method}`];
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (caller === 'all roles') parts.push('-H "Authorization: Bearer $TOKEN"');
  if (body !== undefined) parts.push('--data-binary @-');
  parts.push(`"$${server === 'pool' ? 'MHSM_URL' : 'AZURE_POD_IDENTITY_AUTHORITY_HOST'}"${quoted(path)}`);
  const input = body === undefined ? '' : `echo ${body.toString('base64')} | base64 -d | `;
  return `${input}${parts.join(' ')}`;
}
