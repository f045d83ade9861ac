// ISO 8601 durations of rotation policies, in the forms that make sense there: years, months, days.
import { badParameter } from '../service-error.ts';

const form = /^P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?$/;

/** Adds a duration such as P90D or P1Y6M to a time in Unix seconds. Throws BadParameter. */
export function addDuration(startS: number, duration: string): number {
  const match = form.exec(duration);
  if (match === null || duration === 'P') throw badParameter(`${duration.slice(0, 40)} is not an ISO 8601 duration`);
  const [years, months, days] = [match[1], match[2], match[3]].map((part) => Number(part ?? 0));
  const date = new Date(startS * 1000);
  date.setUTCMonth(date.getUTCMonth() + (years ?? 0) * 12 + (months ?? 0), date.getUTCDate() + (days ?? 0));
  return Math.floor(date.getTime() / 1000);
}

/** The exp of a version that a rotation makes, or undefined when the policy sets none. */
export function expiryOfRotated(expiryTime: string | undefined, nowS: number): number | undefined {
  return expiryTime === undefined ? undefined : addDuration(nowS, expiryTime);
}
