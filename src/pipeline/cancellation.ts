// How a request ends early: one reason, given once to each listener. Plain objects, because an AbortSignal with listeners
// costs 3 to 5 µs each and most requests never end early; a real signal is created only for code that has to wait.

import type { AbortListener, Context } from "../canon/context.ts";

const noListeners: readonly AbortListener[] = [];

/**
 * A class, like every other per-request object: prototype methods cost nothing, while each closure costs a request 100
 * bytes that the garbage collector has to scan.
 */
export class Cancellation implements Pick<
  Context,
  "abort" | "abortReason" | "onAbort" | "offAbort" | "signal"
> {
  abortReason: Error | null = null;
  private controller: AbortController | null = null;
  private listeners = noListeners;

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.abortReason !== null) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  abort(why: Error): void {
    if (this.abortReason !== null) return;
    this.abortReason = why;
    this.controller?.abort(why);
    const notified = this.listeners;
    this.listeners = noListeners;
    for (const listener of notified) listener.aborted(why);
  }

  onAbort(listener: AbortListener): void {
    if (this.abortReason !== null) listener.aborted(this.abortReason);
    else this.listeners = [...this.listeners, listener];
  }

  offAbort(listener: AbortListener): void {
    this.listeners = this.listeners.filter((each) => each !== listener);
  }
}
