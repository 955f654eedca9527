// How a request ends early: one reason, told once to whoever listens. Plain functions, because an AbortSignal with listeners
// costs 3 to 5 µs each and most requests never end early; a real signal is made only for those who have to wait.

import type { Context } from "../canon/context.ts";

export type Cancellation = Pick<Context, "abort" | "abortReason" | "onAbort" | "signal">;

export function createCancellation(): Cancellation {
  let reason: Error | null = null;
  let controller: AbortController | null = null;
  let listeners: readonly (() => void)[] = [];
  return {
    get abortReason() {
      return reason;
    },
    get signal() {
      if (controller === null) {
        controller = new AbortController();
        if (reason !== null) controller.abort(reason);
      }
      return controller.signal;
    },
    abort(why) {
      if (reason !== null) return;
      reason = why;
      controller?.abort(why);
      const told = listeners;
      listeners = [];
      for (const listener of told) listener();
    },
    onAbort(listener) {
      if (reason !== null) listener();
      else listeners = [...listeners, listener];
      return () => {
        listeners = listeners.filter((each) => each !== listener);
      };
    },
  };
}
