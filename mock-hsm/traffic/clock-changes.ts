// Changes of the mock's clock, as JSON of /mock/clock and as the flag --clock.
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { durationMs } from '../profile/durations.ts';
import { badParameter } from '../service-error.ts';

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = durationMs(String(value));
  if (ms === undefined) context.addIssue('must be a time such as 90s, 2h or -1d');
  return ms ?? 0;
});

const moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** Several at once are made in this order: set or offset, advance, freeze or run. */
export const clockChange = z
  .strictObject({
    /** The time it is to show, ISO 8601. */
    set: moment,
    /** How far it is to be from the time of the machine; 0 puts it right. */
    offset: duration,
    /** By how much it is to move. */
    advance: duration,
    freeze: z.literal(true),
    run: z.literal(true),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'give set, offset, advance, freeze or run')
  .refine(({ set, offset }) => set === undefined || offset === undefined, 'set and offset exclude each other')
  .refine(({ freeze, run }) => freeze === undefined || run === undefined, 'freeze and run exclude each other');

/** As a caller writes it. */
export type ClockRequest = z.input<typeof clockChange>;

export type ClockChange = z.output<typeof clockChange>;

/** What the clock can show: years of four digits, as tokens and certificates write them. */
const earliestMs = Date.parse('1970-01-01T00:00:00Z');
const latestMs = Date.parse('9000-01-01T00:00:00Z');

/** Throws BadParameter, and changes nothing, when the clock would leave the years 1970 to 8999. */
export function changeClock(clock: Clock, { set, offset, advance, freeze, run }: ClockChange): void {
  const nowMs = clock.nowMs();
  const targetMs = (set ?? (offset === undefined ? nowMs : nowMs - clock.offsetMs + offset)) + (advance ?? 0);
  if (!(targetMs >= earliestMs && targetMs < latestMs)) {
    throw badParameter('The clock can show the years 1970 to 8999 alone; give a time within them');
  }
  // Frozen first: between two looks at a running clock time goes on.
  if (freeze === true) clock.freeze();
  const wasFrozen = clock.isFrozen;
  if (set !== undefined) clock.advance(set - clock.nowMs());
  if (offset !== undefined) {
    clock.setOffset(offset);
    if (wasFrozen) clock.freeze();
  }
  if (advance !== undefined) clock.advance(advance);
  if (run === true) clock.run();
}

/** Reads `+2h`, `-30m`, `2030-01-01T00:00:00Z`, or `frozen`, also after a comma: `+2h,frozen`. */
export function readClock(text: string): ClockRequest {
  const parts = text.split(',').map((part) => {
    if (part === 'frozen') return { freeze: true };
    return durationMs(part) === undefined ? { set: part } : { offset: part };
  });
  const request: ClockRequest = Object.assign({}, ...parts);
  if (!clockChange.safeParse(request).success)
    throw new Error('It must be a time such as +2h or 2030-01-01T00:00:00Z, frozen, or both: +2h,frozen.');
  return request;
}
