// How values of a result are said to people: in the terminal, in Markdown and on the page alike.
import type { HsmSpeed, Load, Measurement, Result, Signer } from '../result.ts';

export const SIGNER_NAMES: Readonly<Record<Signer, string>> = {
  library: 'mhsm-pkcs11',
  'library-uncached': 'mhsm-pkcs11, Disable: true',
  'bare-rest': 'bare REST',
  softhsm: 'SoftHSM 2',
  pem: 'PEM file',
};

export const LOAD_NAMES: Readonly<Record<Load, string>> = {
  signs: 'Signatures',
  handshakes: 'TLS 1.3 handshakes',
};

export const ENOUGH = 'The fewest connections that gave at least 95 % of the greatest rate measured with any.';
export const ASK_ADVICE = 'For your own latency and workers: npm run bench -- --advise.';

/** '5 ms', 'Standard B1', 'real HSM'; 'none' where no HSM is asked. */
export function speedName(speed: HsmSpeed | null): string {
  if (speed === null) return 'none';
  if (typeof speed === 'object') return `${speed.latencyMs} ms`;
  return speed === 'real' ? 'real HSM' : 'Standard B1';
}

/** Made once: a table of thousands of cells would spend seconds on making them. */
const formatWith = (decimals: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const WHOLE = formatWith(0);
const TENTHS = formatWith(1);
const HUNDREDTHS = formatWith(2);

/** With thousands' separators, and as many decimals as three digits take: 12,345; 12.3; 0.12. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return (size >= 100 ? WHOLE : size >= 10 ? TENTHS : HUNDREDTHS).format(value);
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** What of the bound was reached; null where none is known. */
export function shareOf({ perSecond, bound }: Measurement): number | null {
  return bound.perSecond === null || bound.perSecond === 0 ? null : perSecond / bound.perSecond;
}

const LIMITS = {
  machine: (busy: string) => `processor ${busy} busy`,
  agent: () => "the agent's one core busy",
} as const;

/** From this part of all cores on other work spoils a figure. */
const SPOILT = 0.1;

/** Where the processor ended a rate, or would before the bound is reached; empty where it does not matter. */
function processorRemarks({ bound, processor: { busy, limit, perSecond } }: Measurement): string[] {
  if (limit !== null) return [`${LIMITS[limit](percent(busy))}: the limit here`];
  if (perSecond === null || perSecond >= (bound.perSecond ?? Number.POSITIVE_INFINITY)) return [];
  return [`processor ${percent(busy)} busy: would end it at about ${roughly(perSecond)}/s`];
}

/** With two digits: an estimate has no more. */
export const roughly = (value: number): string => WHOLE.format(Number(value.toPrecision(2)));

/** What a reader must know of a measurement: the processor, where it mattered; other work; noisy, with its spread; failures. */
export function remarksOn(measurement: Measurement): string[] {
  const { isNoisy, spread, failures, processor } = measurement;
  return [
    ...processorRemarks(measurement),
    ...(processor.others >= SPOILT ? [`other programs had ${percent(processor.others)} of the processor`] : []),
    ...(isNoisy ? [`noisy: ${percent(spread)} spread`] : []),
    ...(failures > 0 ? [`${figures(failures)} failed`] : []),
  ];
}

const figures = (count: number): string => WHOLE.format(count);

/** The line below the title: when, which form, in front of what. */
export function occasionOf({ form, only, startedAt, finishedAt, hsm }: Result): string {
  const minute = startedAt.slice(0, 16).replace('T', ' ');
  const end = finishedAt === null ? 'incomplete' : `${duration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  const chosen = Object.entries(only).map(([name, values]) => `${name} ${values.join(', ')}`);
  const points = chosen.length === 0 ? '' : ` with ${chosen.join('; ')} only`;
  return `${minute} UTC, ${form} form${points}, ${end}; ${hsm === 'real' ? 'a real Managed HSM' : 'mock-hsm on the same machine'}`;
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function machineOf({ machine: { processor, cores, memoryMiB, system } }: Result): string {
  return `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${figure(memoryMiB / 1024)} GiB, ${system}`;
}

export function programsOf({ machine: { programs } }: Result): string {
  return Object.entries(programs)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
