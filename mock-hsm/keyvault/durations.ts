// ISO 8601 durations of rotation policies: P1Y6M, P90D, P4W, PT48H.
import { badParameter } from '../service-error.ts';

const form =
  /^P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$/;

export const dayS = 86_400;

/** The last second that a Date can hold. */
export const latestS = 8.64e12;

/**
 * Adds a duration such as P90D or P1Y6M to a time in Unix seconds; subtracts it when `sign` is -1. Years and months
 * are those of the calendar, in UTC; a day that the month has not runs over into the next month. Throws BadParameter.
 */
export function addDuration(startS: number, duration: string, sign: 1 | -1 = 1): number {
  const seconds = timeAfter(startS, duration, sign);
  if (seconds === undefined) throw badParameter(`${duration.slice(0, 40)} leads beyond what a date can hold`);
  return seconds;
}

/** As `addDuration`, but undefined for a time beyond what a date can hold. Throws BadParameter for another form. */
export function timeAfter(startS: number, duration: string, sign: 1 | -1 = 1): number | undefined {
  const match = form.exec(duration);
  if (match === null) throw badParameter(`${duration.slice(0, 40)} is not an ISO 8601 duration`);
  const part = (index: number) => sign * Number(match[index] ?? 0);
  const date = new Date(startS * 1000);
  date.setUTCMonth(date.getUTCMonth() + part(1) * 12 + part(2), date.getUTCDate() + part(3) * 7 + part(4));
  const seconds = Math.floor(date.getTime() / 1000) + part(5) * 3600 + part(6) * 60 + part(7);
  return Math.abs(seconds) < latestS ? seconds : undefined;
}

/** How long the shortest run of such a duration is, in seconds: a month may have 28 days, a year 365. */
export function shortestSeconds(duration: string): number {
  // From 1 February of a common year on, months are as short as they get for their number.
  const start = Date.UTC(2025, 1, 1) / 1000;
  return addDuration(start, duration) - start;
}

/** The exp of a version that a rotation makes, or undefined when the policy sets none. */
export function expiryOfRotated(expiryTime: string | undefined, nowS: number): number | undefined {
  return expiryTime === undefined ? undefined : addDuration(nowS, expiryTime);
}
