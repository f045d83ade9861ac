// Numbers and times for people.

/** `0.4 ms`, `12 ms`, `1.8 s`. */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)} s`;
  return `${ms.toFixed(ms >= 10 || ms === 0 ? 0 : 1)} ms`;
}

export const count = (value: number): string => value.toLocaleString('en');

/** A rate a second. */
export const rate = (value: number): string =>
  value >= 10 || value === 0 ? count(Math.round(value)) : value.toFixed(1);

/** `2030-01-31 10:11` in UTC, of unix seconds. */
export function time(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 16).replace('T', ' ');
}

/** The time of day in UTC, of ISO 8601. */
export const timeOfDay = (iso: string): string => iso.slice(11, 23);
