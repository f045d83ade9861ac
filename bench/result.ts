/**
 * What `npm run bench` measured, as it stands in its JSON. Rates are a second, times milliseconds, processor time in cores
 * (1 is one core the whole time), memory KiB of resident private memory.
 */
import { z } from 'zod';

export const KEY_TYPES = ['RSA-2048', 'RSA-4096', 'P-256', 'P-384'] as const;

/** Who makes the signature: the library, the library with ConnectionCache off, and what it is held against. */
export const SIGNERS = ['library', 'library-uncached', 'bare-rest', 'softhsm', 'pem'] as const;

/** Calls of C_Sign (or its like) by so many threads, or new TLS 1.3 connections to so many workers of nginx. */
export const LOADS = ['signs', 'handshakes'] as const;

/** Added by the HSM to each request, or the published speed of a real pool. */
export const hsmSpeed = z.union([
  z.object({ latencyMs: z.number().min(0) }),
  z.literal('standard-b1'),
  z.literal('real'),
]);

export const point = z.object({
  signer: z.enum(SIGNERS),
  load: z.enum(LOADS),
  keyType: z.enum(KEY_TYPES),
  /** Threads that sign, or workers of nginx. */
  workers: z.int().min(1),
  /** Null where there is no HSM. */
  maxConnections: z.int().min(1).nullable(),
  hsm: hsmSpeed.nullable(),
});

const percentiles = z.object({ p50: z.number(), p95: z.number(), p99: z.number() });

export const bound = z.object({
  /** Null where none of the bounds is known before the measurement. */
  perSecond: z.number().nullable(),
  /** connections: min(workers, MaxConnections) / latency; capacity: of the HSM; processor: all cores were busy. */
  by: z.enum(['connections', 'capacity', 'processor', 'unknown']),
});

export const measurement = z.object({
  point,
  /** Of each repetition. */
  rates: z.array(z.number()).min(1),
  /** The median of `rates`. */
  perSecond: z.number(),
  /** (greatest - least) / median of the rates that count. */
  spread: z.number(),
  /** The spread did not become small however often it was repeated. */
  isNoisy: z.boolean(),
  latencyMs: percentiles,
  failures: z.int(),
  /** The HSM's own count; null where there is none. */
  signsPerSecond: z.number().nullable(),
  hsmConnections: z.int().nullable(),
  cores: z.object({
    agent: z.number().nullable(),
    workers: z.number(),
    hsm: z.number().nullable(),
    client: z.number(),
    machine: z.number(),
  }),
  memoryKiB: z.object({ agent: z.number().nullable(), worker: z.number().nullable() }),
  bound,
});

export const target = z.object({
  name: z.string(),
  figure: z.number(),
  /** As printed: '0.93 x', '310 KiB'. */
  shown: z.string(),
  wanted: z.string(),
  isMet: z.boolean(),
  /** The absolute figures it was made from. */
  from: z.string(),
});

export const result = z.object({
  version: z.literal(1),
  form: z.enum(['quick', 'full', 'targets']),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  machine: z.object({
    processor: z.string(),
    cores: z.int(),
    memoryMiB: z.int(),
    system: z.string(),
    /** Name of the program and its version: node, nginx, openssl, softhsm2, this library with its commit. */
    programs: z.record(z.string(), z.string()),
  }),
  hsm: z.enum(['mock-hsm', 'real']),
  measurements: z.array(measurement),
  targets: z.array(target),
});

export type KeyType = (typeof KEY_TYPES)[number];
export type HsmSpeed = z.infer<typeof hsmSpeed>;
export type Point = z.infer<typeof point>;
export type Bound = z.infer<typeof bound>;
export type Measurement = z.infer<typeof measurement>;
export type Target = z.infer<typeof target>;
export type Result = z.infer<typeof result>;
