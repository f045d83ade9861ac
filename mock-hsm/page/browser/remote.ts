// Talks to the mock, from this origin alone.
import { useCallback, useEffect, useState } from 'preact/hooks';

/** What the mock said to a request it refused. */
async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    // The activity id is for logs.
    if (error?.message !== undefined) return error.message.replace(/ \(Activity ID: [^)]*\)$/, '');
  } catch {
    // Not JSON: the status must do.
  }
  return `${response.status} ${response.statusText}`;
}

export async function getJson<Answer>(url: string, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (!response.ok) throw new Error(await refusalOf(response));
  return (await response.json()) as Answer;
}

/** Sends a change; throws an error with the mock's own words. */
export async function send<Answer>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: unknown) {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method, ...content });
  if (!response.ok) throw new Error(await refusalOf(response));
  return (await response.json()) as Answer;
}

export const messageOf = (error: unknown): string =>
  error instanceof TypeError ? 'mock-hsm does not answer' : error instanceof Error ? error.message : String(error);

export interface Polled<Answer> {
  readonly data: Answer | undefined;
  readonly failure: string | undefined;
  readonly reload: () => void;
}

/** The answer to a GET, asked for again every `everyMs` while the page is in sight. */
export function usePolled<Answer>(url: string, everyMs: number): Polled<Answer> {
  const [data, setData] = useState<Answer>();
  const [failure, setFailure] = useState<string>();
  const [round, setRound] = useState(0);
  // A new round asks again.
  useEffect(() => {
    const stop = new AbortController();
    const ask = async () => {
      try {
        setData(await getJson<Answer>(url, stop.signal));
        setFailure(undefined);
      } catch (error) {
        if (!stop.signal.aborted) setFailure(messageOf(error));
      }
    };
    void ask();
    const timer = setInterval(() => document.hidden || ask(), everyMs);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [url, everyMs, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { data, failure, reload };
}
