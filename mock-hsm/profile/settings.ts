// What of the pool's speed can be set, as JSON of /mock/profile and as flags.
import { z } from 'zod';
import { latencyText, readLatency } from './durations.ts';
import { capacityNames, type Rates } from './figures.ts';

export const profileNames = ['none', 'standard-b1'] as const;

/** Partitions of a pool when all are up. */
export const allPartitions = 3;

const latency = z
  .string()
  .refine((text) => readLatency(text) !== undefined, 'must be a time such as 5ms or, with a spread, 5ms±1ms')
  .transform((text) => latencyText(readLatency(text) ?? { meanMs: 0, spreadMs: 0 }));

const rate = z.number().positive().max(1_000_000);

const capacity = z.record(z.string(), rate).superRefine((rates, context) => {
  for (const name of Object.keys(rates).filter((each) => !isCapacityName(each))) {
    context.addIssue({ code: 'custom', message: `unknown operation ${name}; known: ${capacityNames.join(', ')}` });
  }
});

const fields = {
  profile: z.enum(profileNames),
  /** Time that the network adds to each answer, there and back. */
  latency,
  /** How many are up. */
  partitions: z.int().min(1).max(allPartitions),
  /** Operations a second that differ from the profile's; of one partition, or of the pool for what is throttled. */
  capacity,
};

/** Everything; what is absent has its default. */
export const profileBody = z.strictObject({
  profile: fields.profile.default('none'),
  latency: fields.latency.default('0ms'),
  partitions: fields.partitions.default(allPartitions),
  capacity: fields.capacity.default({}),
});

/** Some of it. */
export const profileChange = z.strictObject(fields).partial();

export type ProfileSettings = Readonly<z.output<typeof profileBody>>;

/** Reads `sign:RSA-2048=1100`; throws an error that says what is wrong with it. */
export function readCapacity(text: string, before: Rates = {}): Rates {
  const match = /^([\w:-]+)=(\d+(?:\.\d+)?)$/.exec(text);
  if (match?.[1] === undefined) throw new Error('It must look like sign:RSA-2048=1100 or create=5.');
  const read = capacity.safeParse({ ...before, [match[1]]: Number(match[2]) });
  if (!read.success) throw new Error(read.error.issues.map(({ message }) => message).join('; '));
  return read.data;
}

/** `sign:RSA-2048`, `create`, or an operation with all its key types: `sign`. */
function isCapacityName(name: string): boolean {
  return capacityNames.some((known) => known === name || known.startsWith(`${name}:`));
}
