// Turns at something of limited concurrency. First come, first served; a waiter that leaves gives up its place at once.
// Every turn is released exactly once, whatever happens to its holder.

export type Turn = { readonly waitedMs: number; release(): void };

export type QueueRefusal = "full" | "too-long";

export type TurnQueue = {
  /** A turn if one is free now: what most requests get, without a promise. */
  tryTake(): Turn | null;
  /**
   * Resolves with a turn, or with why there is none. Rejects with the signal's reason when it aborts.
   * `goesFirst`: before all that wait, however many there are.
   */
  take(signal: AbortSignal, goesFirst?: boolean): Promise<Turn | QueueRefusal>;
  counts(): { running: number; waiting: number };
};

export type QueueLimits = {
  /** Turns at once; null = no limit, and then nobody ever waits. */
  readonly limit: number | null;
  readonly depth: number;
  readonly waitMs: number;
};

export type LivingQueue = TurnQueue & {
  /** From now on these limits hold. Nobody loses a turn or a place by it; more room is given away at once. */
  adjust(limits: QueueLimits): void;
};

export function createQueue(
  options: QueueLimits & {
    readonly monotonicMs: () => number;
    readonly setTimer: (ms: number, run: () => void) => () => void;
  },
): LivingQueue {
  let limits: QueueLimits = options;
  let running = 0;
  const waiting: { start: () => void }[] = [];

  const hasRoom = (): boolean => limits.limit === null || running < limits.limit;
  const serveWaiting = (): void => {
    while (waiting.length > 0 && hasRoom()) waiting.shift()?.start();
  };

  const grant = (waitedMs: number): Turn => {
    running += 1;
    let isReleased = false;
    return {
      waitedMs,
      release() {
        if (isReleased) return;
        isReleased = true;
        running -= 1;
        serveWaiting();
      },
    };
  };

  return {
    counts: () => ({ running, waiting: waiting.length }),
    adjust(next) {
      limits = next;
      serveWaiting();
    },
    tryTake: () => (hasRoom() && waiting.length === 0 ? grant(0) : null),
    take(signal, goesFirst = false) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (hasRoom() && (waiting.length === 0 || goesFirst)) return Promise.resolve(grant(0));
      if (waiting.length >= limits.depth && !goesFirst) return Promise.resolve("full");
      const startedMs = options.monotonicMs();
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          stopTimer();
          signal.removeEventListener("abort", onAbort);
          const at = waiting.indexOf(entry);
          if (at >= 0) waiting.splice(at, 1);
        };
        const entry = {
          start() {
            leave();
            resolve(grant(options.monotonicMs() - startedMs));
          },
        };
        const onAbort = (): void => {
          leave();
          reject(signal.reason);
        };
        const stopTimer = options.setTimer(limits.waitMs, () => {
          leave();
          resolve("too-long");
        });
        signal.addEventListener("abort", onAbort, { once: true });
        if (goesFirst) waiting.unshift(entry);
        else waiting.push(entry);
      });
    },
  };
}
