import type { Measurement, Point } from '../result.ts';
import { figure, percent, remarksOn, SIGNER_NAMES, shareOf, speedName } from './wording.ts';

/** 'handshakes RSA-2048 mhsm-pkcs11, HSM 5 ms, 16 workers, MaxConnections 20' */
export function nameOf({ load, keyType, signer, hsm, workers, maxConnections }: Point): string {
  const who = load === 'signs' ? 'threads' : 'workers';
  const speed = hsm === null ? [] : [`HSM ${speedName(hsm)}`];
  const connections = maxConnections === null ? [] : [`MaxConnections ${maxConnections}`];
  const head = `${load} ${keyType} ${SIGNER_NAMES[signer]}`;
  return [head, ...speed, `${workers} ${workers === 1 ? who.slice(0, -1) : who}`, ...connections].join(', ');
}

/** What came out, for the terminal: one line, without its end. */
export function linesOf(measurement: Measurement): string {
  const { point, perSecond, bound, latencyMs } = measurement;
  const share = shareOf(measurement);
  const reached = share === null ? '' : ` of ${figure(bound.perSecond ?? 0)} (${percent(share)})`;
  const times = `p50 ${figure(latencyMs.p50)}, p95 ${figure(latencyMs.p95)}, p99 ${figure(latencyMs.p99)} ms`;
  return [`${nameOf(point)}: ${figure(perSecond)}/s${reached}`, times, ...remarksOn(measurement)].join('; ');
}
