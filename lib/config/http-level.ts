/** How much of the HTTP traffic is logged, from nothing to bodies. */
export const HTTP_LEVELS = ['Off', 'Error', 'Info', 'Verbose'] as const;
export type HttpLevel = (typeof HTTP_LEVELS)[number];

/** What other programs call them. */
const ALIASES: Readonly<Record<string, HttpLevel>> = {
  none: 'Off',
  warn: 'Error',
  warning: 'Error',
  debug: 'Verbose',
  trace: 'Verbose',
  all: 'Verbose',
};

function knownLevel(text: string): HttpLevel | undefined {
  const lower = text.trim().toLowerCase();
  return HTTP_LEVELS.find((level) => level.toLowerCase() === lower) ?? ALIASES[lower];
}

export function isHttpLevel(text: string): boolean {
  return knownLevel(text) !== undefined;
}

/** The level of `log.module.curl.Level`, in any case. The closed library may know others: they log the errors. */
export function httpLevelOf(text: string): HttpLevel {
  return knownLevel(text) ?? 'Error';
}
