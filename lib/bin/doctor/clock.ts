/** Whether this host and the HSM agree on the time, which keys, tokens and certificates go by. */
import { request } from 'node:https';
import type { TokenConfiguration } from '../../config/configuration.ts';
import { type Finding, good, skipped, warning } from './finding.ts';

/** The Date header of an answer (RFC 9110, 6.6.1), and this host's clock before and after it. */
export interface Heard {
  readonly date: string | undefined;
  readonly beforeMs: number;
  readonly afterMs: number;
}

const PATIENCE_MS = 5000;
const MAX_SKEW_S = 60;

/** What the date means. Its resolution is a second, and it was written at some moment between the two of this host. */
export function clockFinding({ date, beforeMs, afterMs }: Heard): Finding {
  const thereMs = Date.parse(date ?? '');
  if (Number.isNaN(thereMs)) return skipped('clock', 'an answer of the HSM with a date');
  const skewS = Math.round(((beforeMs + afterMs) / 2 - (thereMs + 500)) / 1000);
  const uncertainS = Math.ceil((afterMs - beforeMs) / 2000) + 1;
  if (Math.abs(skewS) <= MAX_SKEW_S)
    return good('clock', `agrees with the HSM's within ${Math.abs(skewS) + uncertainS} s`);
  const text = `the clock of this host is ${Math.abs(skewS)} s ${skewS > 0 ? 'ahead of' : 'behind'} the HSM's`;
  return warning(
    'clock',
    text,
    'set it, and keep it right: timedatectl set-ntp true; tokens and certificates go by it',
  );
}

/** Asks without a token: whatever the answer, it has a date. Who answers need not be trusted for that. */
function hear({ baseUrl }: TokenConfiguration): Promise<Heard> {
  const beforeMs = Date.now();
  return new Promise((resolve, reject) => {
    const options = { rejectUnauthorized: false, agent: false, timeout: PATIENCE_MS } as const;
    const asked = request(`${baseUrl}/keys?api-version=7.4`, options, (answer) => {
      resolve({ date: answer.headers.date, beforeMs, afterMs: Date.now() });
      asked.destroy();
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end();
  });
}

/** Compares the clocks. Never a failure: what hangs on the time has findings of its own. */
export async function examineClock(token: TokenConfiguration): Promise<Finding> {
  try {
    return clockFinding(await hear(token));
  } catch {
    return skipped('clock', 'an answer of the HSM with a date');
  }
}
