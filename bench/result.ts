/**
 * What `npm run bench` measured, as it stands in its JSON. Rates are a second, times milliseconds, processor time in cores
 * (1 is one core the whole time), memory KiB of resident private memory. The descriptions are those of
 * bench/result.schema.json, which `npm run bench:schema` writes.
 */
import { z } from 'zod';
import { KEY_TYPES, LOADS, SIGNERS } from './coordinates.ts';

export { KEY_TYPES, LOADS, SIGNERS };

export const hsmSpeed = z
  .union([
    z.object({ latencyMs: z.number().min(0).describe('Milliseconds that the HSM adds to each request.') }),
    z.literal('standard-b1'),
    z.literal('real'),
  ])
  .describe('Latency added to each request, the published speed of a Standard B1 pool, or a real HSM as it is.');

export const point = z
  .object({
    signer: z
      .enum(SIGNERS)
      .describe(
        'Who makes the signature: the library, the library with ConnectionCache off, bare REST with undici, SoftHSM 2, or a key in a PEM file.',
      ),
    load: z
      .enum(LOADS)
      .describe('signs: calls of C_Sign or its like by threads; handshakes: new TLS 1.3 connections to nginx.'),
    keyType: z.enum(KEY_TYPES).describe('Type and size of the key.'),
    workers: z
      .int()
      .min(1)
      .describe('Threads that sign, or workers of nginx: signatures that can be under way at once.'),
    maxConnections: z.int().min(1).nullable().describe('MaxConnections; null where there is no HSM.'),
    hsm: hsmSpeed.nullable().describe('How fast the HSM answers; null where there is none.'),
  })
  .describe('What was measured.');

const percentiles = z
  .object({
    p50: z.number().describe('Half of them took at most so many milliseconds.'),
    p95: z.number().describe('95 of 100 took at most so many milliseconds.'),
    p99: z.number().describe('99 of 100 took at most so many milliseconds.'),
  })
  .describe(
    'How long one signature or one handshake took, as the client saw it: nearest rank in each repetition, and of those that count the median.',
  );

export const bound = z
  .object({
    perSecond: z
      .number()
      .nullable()
      .describe('The most that is possible a second; null where nothing is known before the measurement.'),
    by: z
      .enum(['connections', 'capacity', 'unknown'])
      .describe('connections: min(workers, MaxConnections) / latency; capacity: of the HSM.'),
  })
  .describe('What limits the rate, whatever the program in between and the machine: known before the measurement.');

export const processor = z
  .object({
    busy: z.number().describe('Part of all cores of the machine that was busy, with whatever: 1 is all of them.'),
    others: z
      .number()
      .describe(
        'Part of all cores that was busy with what is not measured: 0.1 and more is a machine that did other work.',
      ),
    limit: z
      .enum(['machine', 'agent'])
      .nullable()
      .describe(
        'What the rate ended at, whatever the bound is. machine: nine tenths of all cores were busy; agent: its one thread was, so long; null: neither.',
      ),
    perSecond: z
      .number()
      .nullable()
      .describe(
        'About where the processor ends the rate: what all cores, or the one of the agent, would give at the processor time that an operation took in this measurement. Made from the measured rate, so no bound to hold it against; null where less than half of them was busy, which tells too little.',
      ),
  })
  .describe('How near the processor was to its end: a remark on what was measured.');

export const measurement = z
  .object({
    point,
    rates: z.array(z.number()).min(1).describe('A second, of each repetition.'),
    perSecond: z.number().describe('The median of the rates that count: the last ones.'),
    spread: z.number().describe('(greatest - least) / median of the rates that count.'),
    isNoisy: z.boolean().describe('The spread did not become small however often it was repeated.'),
    latencyMs: percentiles,
    failures: z.int().describe('Signatures or handshakes that failed, in all repetitions and while it warmed up.'),
    failureReasons: z.array(z.string()).optional().describe('Why operations failed, each reason once.'),
    signsPerSecond: z
      .number()
      .nullable()
      .describe("Signatures a second by the HSM's own count; null where there is none."),
    hsmConnections: z
      .int()
      .nullable()
      .describe(
        'TLS connections to the HSM that were opened from the start of the agent (or of the client) to the end of the last repetition, used or not, those that only signed in left out; null where there is no HSM, or it does not tell.',
      ),
    cores: z
      .object({
        agent: z.number().nullable().describe('The agent; null where there is none.'),
        workers: z.number().describe('The threads that sign, or the workers of nginx, together.'),
        hsm: z.number().nullable().describe('The mock HSM; null where there is none, or where it is elsewhere.'),
        client: z.number().describe('Who makes the load.'),
        machine: z.number().describe('Everything on the machine.'),
      })
      .describe('Processor time, in cores.'),
    memoryKiB: z
      .object({
        agent: z.number().nullable().describe('The agent; null where there is none.'),
        worker: z.number().nullable().describe('One worker of nginx, or the program that signs.'),
      })
      .describe('Resident private memory, in KiB.'),
    bound,
    processor,
  })
  .describe('One point and what came out.');

export const target = z
  .object({
    name: z.string().describe('What is wanted.'),
    figure: z.number().describe('What was measured, mostly a ratio.'),
    shown: z.string().describe("The figure as printed: '0.93 x', '310 KiB'."),
    wanted: z.string().describe("The bound as printed: '>= 0.9 x'."),
    isMet: z.boolean().describe('Whether the figure keeps to the bound.'),
    unjudged: z
      .enum(['not judged', 'not measured'])
      .optional()
      .describe(
        'Neither met nor missed, whatever isMet says. not judged: the processor was the bound; not measured: from says why.',
      ),
    from: z.string().describe('The absolute figures it was made from.'),
  })
  .describe('A target of the library and what came out.');

export const result = z
  .object({
    version: z.literal(2).describe('Of this schema.'),
    form: z.enum(['quick', 'full', 'targets']).describe('Which points were measured.'),
    only: z
      .record(z.string(), z.array(z.string()))
      .describe('Values that options chose, by coordinate of a point; empty: all points of the form.'),
    repetition: z
      .object({
        durationMs: z.number().describe('Of one repetition.'),
        warmUpMs: z
          .number()
          .describe('Before the first, against a real HSM; what asks the mock warms up by operations.'),
        window: z.int().describe('Repetitions that count: the last ones.'),
        spread: z.number().describe('Greatest spread of those that count.'),
        most: z.int().describe('Repetitions at most; a point whose spread is greater then is noisy.'),
      })
      .nullable()
      .describe('How often a point was measured; null for targets.'),
    startedAt: z.iso.datetime().describe('When it began, UTC.'),
    finishedAt: z.iso
      .datetime()
      .nullable()
      .describe('When it ended, UTC; null: it was interrupted, or points could not be measured.'),
    machine: z
      .object({
        processor: z.string().describe('Model of the processor.'),
        cores: z.int().describe('Cores that the run could use.'),
        memoryMiB: z.int().describe('Memory of the machine, in MiB.'),
        system: z.string().describe('Operating system and kernel.'),
        programs: z
          .record(z.string(), z.string())
          .describe(
            'Name of each program and its version: node, nginx, openssl, softhsm2, the library with its commit; mock-hsm and bench by what they were built from.',
          ),
      })
      .describe('Where it was measured.'),
    hsm: z.enum(['mock-hsm', 'real']).describe('What stood for the HSM.'),
    measurements: z.array(measurement).describe('All points that were measured.'),
    targets: z.array(target).describe('Targets that were held against the measurements.'),
  })
  .describe('Result of npm run bench. Rates are a second, times milliseconds.');

export type KeyType = (typeof KEY_TYPES)[number];
export type Signer = (typeof SIGNERS)[number];
export type Load = (typeof LOADS)[number];
export type HsmSpeed = z.infer<typeof hsmSpeed>;
export type Point = z.infer<typeof point>;
export type Bound = z.infer<typeof bound>;
export type Processor = z.infer<typeof processor>;
export type Measurement = z.infer<typeof measurement>;
export type Target = z.infer<typeof target>;
export type Result = z.infer<typeof result>;
