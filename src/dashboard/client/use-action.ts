// Something that a viewer does: one call at a time, and what became of it, to be shown where it was asked for.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.ts";

export type Action<Input, Result> = {
  readonly isBusy: boolean;
  readonly result: Result | null;
  readonly error: ApiError | null;
  run(input: Input): void;
  clear(): void;
};

type Outcome<Result> = { readonly result: Result | null; readonly error: ApiError | null };

const none = { result: null, error: null };

/** `done` hears of a success. While a call runs, another one is not begun. */
export function useAction<Input, Result>(
  act: (input: Input) => Promise<Result>,
  done?: (result: Result, input: Input) => void,
): Action<Input, Result> {
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome<Result>>(none);
  const latest = useRef({ act, done });
  latest.current = { act, done };
  const state = useRef({ isRunning: false, isShown: true });
  useEffect(() => {
    state.current.isShown = true;
    return () => void (state.current.isShown = false);
  }, []);

  const run = useCallback((input: Input): void => {
    if (state.current.isRunning) return;
    state.current.isRunning = true;
    setBusy(true);
    const finish = (next: Outcome<Result>): void => {
      state.current.isRunning = false;
      if (!state.current.isShown) return;
      setBusy(false);
      setOutcome(next);
      if (next.result !== null) latest.current.done?.(next.result, input);
    };
    latest.current.act(input).then(
      (result) => finish({ result, error: null }),
      (error: unknown) =>
        finish({ result: null, error: error instanceof ApiError ? error : new ApiError(String(error), 0) }),
    );
  }, []);
  const clear = useCallback(() => setOutcome(none), []);
  return { isBusy, ...outcome, run, clear };
}
