export type NoAnswerReason =
  /** More requests waited already than could be served before its deadline. */
  | 'crowded'
  /** No connection became free in time, or so late that no answer could have come. */
  | 'queue'
  /** No connection could be made in time. */
  | 'connect'
  /** It was sent and no answer came in time. */
  | 'answer'
  /** The connection failed; `cause` says how. */
  | 'network';

/** A request that got no answer of any status, and whether the service may have seen it. */
export class NoAnswer extends Error {
  readonly reason: NoAnswerReason;
  readonly sent: boolean;

  constructor(reason: NoAnswerReason, sent: boolean, cause?: unknown) {
    super(`no answer: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'NoAnswer';
    this.reason = reason;
    this.sent = sent;
  }
}
