/** A measurement as lines of the terminal. */
import type { Measurement } from '../result.ts';

export function linesOf({ point, perSecond, isNoisy, failures, latencyMs, bound }: Measurement): string {
  const { signer, load, keyType, workers, maxConnections, hsm } = point;
  const speed = hsm === null ? '' : `, HSM ${typeof hsm === 'string' ? hsm : `${hsm.latencyMs} ms`}`;
  const connections = maxConnections === null ? '' : `, MaxConnections ${maxConnections}`;
  const most = bound.perSecond === null ? '' : ` of ${bound.perSecond.toFixed(0)} (${bound.by})`;
  const marks = `${isNoisy ? ', noisy' : ''}${failures > 0 ? `, ${failures} FAILED` : ''}`;
  const what = `${signer} ${load} ${keyType}, ${workers} workers${connections}${speed}`;
  return `${what}: ${perSecond.toFixed(0)}/s${most}, p50 ${latencyMs.p50.toFixed(1)} ms${marks}`;
}
