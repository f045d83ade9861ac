/** One request on the wire and what came of it, for who wants to log it. Never holds a token. */
export interface HttpExchange {
  readonly method: string;
  /** Whole address, with its query. */
  readonly url: string;
  /** Without the one that holds the token. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** Undefined where there is none, or where it holds a credential. */
  readonly requestBody: string | undefined;
  readonly microseconds: number;
  /** Without an answer: why. */
  readonly outcome:
    | {
        readonly status: number;
        readonly headers: Readonly<Record<string, string | string[] | undefined>>;
        /** Undefined where it holds a token. */
        readonly body: string | undefined;
      }
    | Error;
}

export type HttpLog = (exchange: HttpExchange) => void;
