/** What came of a target, in one word for all who show it. */
import type { Target } from './result.ts';

export type Verdict = 'met' | 'missed' | 'not judged' | 'not measured';

export const verdictOf = ({ unjudged, isMet }: Target): Verdict => unjudged ?? (isMet ? 'met' : 'missed');

/** A target without a figure has failed as one that was missed has; one that the machine cannot show has not. */
export const hasFailed = (target: Target): boolean => ['missed', 'not measured'].includes(verdictOf(target));
