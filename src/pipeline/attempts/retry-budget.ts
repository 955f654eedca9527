// How many second attempts may run at once: 20 % of the running requests, at least 3. An attempt beyond that waits for
// a slot, so that a dead provider costs time and never causes a retry storm.

export type RetryBudget = {
  /** Resolves true with a slot taken, or false when none became free in `waitMs`. Rejects with the signal's reason. */
  take(signal: AbortSignal, waitMs: number): Promise<boolean>;
  /** Takes a slot if one is free and no request waits for it. */
  tryTake(): boolean;
  give(): void;
  running(): number;
};

const share = 0.2;
const floor = 3;

export function createRetryBudget(options: {
  readonly activeRequests: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
}): RetryBudget {
  let running = 0;
  const waiting: (() => void)[] = [];
  const hasPlace = (): boolean => running < Math.max(floor, Math.floor(options.activeRequests() * share));
  // More than one may enter: the share grows with the number of running requests.
  const letIn = (): void => {
    while (waiting.length > 0 && hasPlace()) waiting[0]?.();
  };

  const tryTake = (): boolean => {
    if (waiting.length > 0 || !hasPlace()) return false;
    running += 1;
    return true;
  };

  return {
    running: () => running,
    tryTake,
    take(signal, waitMs) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (tryTake()) return Promise.resolve(true);
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          stopTimer();
          signal.removeEventListener("abort", onAbort);
          const at = waiting.indexOf(enter);
          if (at >= 0) waiting.splice(at, 1);
        };
        const enter = (): void => {
          leave();
          running += 1;
          resolve(true);
        };
        const onAbort = (): void => {
          leave();
          reject(signal.reason);
        };
        const stopTimer = options.setTimer(waitMs, () => {
          leave();
          resolve(false);
        });
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.push(enter);
        letIn();
      });
    },
    give() {
      running -= 1;
      letIn();
    },
  };
}
