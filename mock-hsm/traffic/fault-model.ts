// What a fault can be: which requests it befalls, when, and what it does to them.
import { z } from 'zod';

/** The operation that stands for the TLS handshake of a new connection; it has no key, method or answer. */
export const handshake = 'handshake';

const ms = z.number().min(0).max(86_400_000);

/** Where the connection ends: before the request is processed, after that, half-way through the answer, or behind it. */
export const cuts = ['before', 'processed', 'midway', 'after'] as const;

/** Which requests it befalls. */
const which = {
  operation: z.string(),
  key: z.string(),
  method: z.string().transform((method) => method.toUpperCase()),
};

const when = {
  times: z.union([z.int().min(1), z.literal('always')]),
  probability: z.number().gt(0).max(1),
  forMs: ms,
};

const what = {
  delayMs: ms,
  status: z.int().min(400).max(599),
  code: z.string().min(1).max(100),
  retryAfterS: z.number().min(0).max(86_400),
  retryAfterForm: z.enum(['seconds', 'date', 'ms']),
  body: z.string().max(65_536),
  contentType: z
    .string()
    .max(200)
    .regex(/^[ -~]+$/, 'must be printable ASCII'),
  dripMs: ms,
  cut: z.enum(cuts),
  reset: z.boolean(),
  silent: z.boolean(),
  lastRequest: z.boolean(),
  refuse: z.boolean(),
};

const effects = ['delayMs', 'status', 'dripMs', 'cut', 'silent', 'lastRequest', 'refuse'] as const;
const ofHandshakes: readonly string[] = [
  'operation',
  'times',
  'probability',
  'forMs',
  'delayMs',
  'cut',
  'reset',
  'silent',
  'refuse',
];

/** As the admin API takes it. `closeConnection` is the same as `cut: before`. */
export const faultBody = z
  .strictObject({ ...which, ...when, ...what, closeConnection: z.boolean() })
  .partial()
  .transform(({ closeConnection, ...fault }) => ({
    ...fault,
    ...(closeConnection === true && fault.cut === undefined ? { cut: 'before' as const } : {}),
    times: fault.times ?? (fault.probability === undefined && fault.forMs === undefined ? 1 : ('always' as const)),
  }))
  .superRefine((fault, context) => {
    for (const message of contradictions(fault)) context.addIssue({ code: 'custom', message });
  });

/** As a caller writes it. */
export type FaultRequest = z.input<typeof faultBody>;

export type Fault = z.output<typeof faultBody>;

function* contradictions(fault: Partial<Record<string, unknown>>): Iterable<string> {
  const given = Object.keys(fault).filter((name) => fault[name] !== undefined && fault[name] !== false);
  const has = (name: string) => given.includes(name);
  if (!effects.some(has)) yield `a fault must do something; give one of ${effects.join(', ')}`;
  for (const name of ['code', 'retryAfterS', 'body'].filter(has)) if (!has('status')) yield `${name} needs a status`;
  if (has('retryAfterForm') && !has('retryAfterS')) yield 'retryAfterForm needs retryAfterS';
  if (has('contentType') && !has('body')) yield 'contentType needs a body';
  if (has('reset') && !has('cut')) yield 'reset needs a cut';
  if (has('silent') && (has('status') || has('cut'))) yield 'silent gives no answer: it excludes status and cut';
  if (has('status') && (fault.cut === 'before' || fault.cut === 'processed'))
    yield `cut ${fault.cut} gives no answer: it excludes status`;
  if (fault.operation !== handshake) {
    if (has('refuse')) yield `refuse is for the operation ${handshake}`;
    return;
  }
  for (const name of given.filter((each) => !ofHandshakes.includes(each))) yield `${name} is not for a ${handshake}`;
  if (has('cut') && fault.cut !== 'before') yield `a ${handshake} can only be cut before`;
  if (!endsByItself(fault)) {
    yield `a ${handshake} fault needs times, forMs, or a probability up to ${mostOften} with a delay up to ` +
      `${longestWaitMs} ms: otherwise nobody could take it back`;
  }
}

/** With this share of handshakes struck, a few tries get through. */
const mostOften = 0.9;
/** A handshake this late is still in time for a client. */
const longestWaitMs = 10_000;

/** Faults are taken back over connections that the fault befalls too. */
function endsByItself({ times, forMs, probability, delayMs = 0, ...fault }: Partial<Record<string, unknown>>): boolean {
  if (times !== 'always') return true;
  if (forMs !== undefined) return true;
  if (Number(delayMs) > longestWaitMs) return false;
  const onlyDelays = !['silent', 'refuse', 'cut'].some((name) => fault[name] !== undefined && fault[name] !== false);
  return onlyDelays || Number(probability ?? 1) <= mostOften;
}

/** Short name for the log and the metrics: `delay+status`, `cut-midway`. */
export function kindOf(fault: Fault): string {
  const kinds = effects
    .filter((name) => fault[name] !== undefined && fault[name] !== false)
    .map((name) => (name === 'cut' ? `cut-${fault.cut}` : name.replace(/Ms$/, '')));
  return kinds.join('+');
}
