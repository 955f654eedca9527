// Time as a parameter: code that waits or measures takes a Clock, so that tests can pass their own.
// Nothing may use another source: no Date.now, performance.now or setTimeout elsewhere in src.

export type Clock = {
  /** Wall clock, UTC milliseconds. May jump; for stamps only. */
  nowMs(): number;
  /** Milliseconds that never go back; for durations and deadlines. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it and may be called at any time. */
  setTimer(delayMs: number, run: () => void): () => void;
};

// setTimeout takes a signed 32-bit number and fires IMMEDIATELY for anything larger.
const longestTimerMs = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    let left = Math.max(0, delayMs);
    let timer: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const stepMs = Math.min(left, longestTimerMs);
      left -= stepMs;
      timer = setTimeout(left > 0 ? arm : run, stepMs);
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Waits; true when the time is over, false if `signal` was aborted first. Leaves neither timer nor listener behind. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve(true);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
