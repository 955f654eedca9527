// What a page reads from /api: loads again when its path changes, keeps the old answer until the new one is there (nothing jumps), and
// tries again by itself while the gateway cannot be reached.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, callApi } from "./api.ts";

export type Answer<T> = {
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly isLoading: boolean;
  /** The data answers the question before this one: it must not be read as the answer to this. */
  readonly isOutdated: boolean;
  reload(): void;
};

export type ApiOptions = {
  /** Reads again after this time; not while the page is hidden. */
  readonly everyMs?: number;
};

type Loaded<T> = { readonly path: string | null; readonly data: T | null; readonly error: ApiError | null };

const retryMs = 3_000;
const isWorthRetrying = ({ status }: ApiError): boolean => status === 429 || status >= 502;

/** `path` null: nothing to ask yet. */
export function useApi<T>(path: string | null, { everyMs }: ApiOptions = {}): Answer<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ path: null, data: null, error: null });
  const [isLoading, setLoading] = useState(path !== null);
  const [turn, setTurn] = useState(0);
  const latest = useRef<Pick<Loaded<T>, "path" | "data">>({ path: null, data: null });
  const reload = useCallback(() => setTurn((last) => last + 1), []);

  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    setLoading(true);
    const again = (ms: number): void => {
      timer = setTimeout(() => (document.hidden ? again(ms) : reload()), ms);
    };
    const ask = async (): Promise<void> => {
      try {
        const data = await callApi<T>(path, { signal: abort.signal });
        latest.current = { path, data };
        setLoaded({ path, data, error: null });
        if (everyMs !== undefined) again(everyMs);
      } catch (error) {
        if (abort.signal.aborted) return;
        const failure = error instanceof ApiError ? error : new ApiError(String(error), 0);
        setLoaded({ ...latest.current, error: failure });
        // A gateway that is started again is seen soon; one that is busy is not asked more often than before.
        if (failure.status === 0) again(retryMs);
        else if (isWorthRetrying(failure)) again(Math.max(retryMs, everyMs ?? 0));
      }
      setLoading(false);
    };
    void ask();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [path, turn, everyMs, reload]);

  const data = path === null ? null : loaded.data;
  return { data, error: loaded.error, isLoading, isOutdated: data !== null && loaded.path !== path, reload };
}
