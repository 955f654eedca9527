// Waits that always end: by the awaited result, by the request's abort, or by a deadline. All code that waits for an
// agent program uses them.

import { Failure } from "../../canon/failure.ts";
import type { Clock } from "../../system/clock.ts";

export type WaitLimits = {
  /** The program's name in failures. */
  readonly program: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly limitMs: number;
};

/** Rejects with the abort's Failure, or `timed-out`; what `promise` does afterwards is ignored. */
export function within<T>(promise: Promise<T>, limits: WaitLimits, stage: string): Promise<T> {
  const { program, clock, signal, limitMs } = limits;
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => {
      cancel();
      signal.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      leave();
      reject(abortReason(signal));
    };
    const cancel = clock.setTimer(limitMs, () => {
      leave();
      reject(tookTooLong(program, stage));
    });
    promise.then(
      (value) => {
        leave();
        resolve(value);
      },
      (error: unknown) => {
        leave();
        reject(error);
      },
    );
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

export function tookTooLong(program: string, stage: string): Failure {
  return new Failure("timed-out", `The ${program} took too long to ${stage}.`, { maybeBilled: true });
}

export function abortReason(signal: AbortSignal): Failure {
  const reason: unknown = signal.reason;
  return reason instanceof Failure ? reason : new Failure("cancelled", "The request was cancelled.");
}

/** Settles when `source` is ready, when `signal` is aborted, or after the limit. Leaves nothing behind. */
export function waitForEvent(
  source: { onReady(run: () => void): () => void },
  { clock, signal, limitMs }: Omit<WaitLimits, "program">,
): Promise<void> {
  return new Promise((resolve) => {
    let isOver = false;
    const stops: (() => void)[] = [];
    const done = (): void => {
      if (isOver) return;
      isOver = true;
      for (const stop of stops) stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) {
      done();
      return;
    }
    signal.addEventListener("abort", done, { once: true });
    if (Number.isFinite(limitMs)) stops.push(clock.setTimer(limitMs, done));
    const unlisten = source.onReady(done);
    if (isOver) unlisten();
    else stops.push(unlisten);
  });
}
