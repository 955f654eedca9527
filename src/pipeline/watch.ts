// One timer for one request: it fires when a limit is reached and asks again otherwise, so that moving a limit
// (every chunk does) costs an assignment and no timer.

export type Watch = {
  /** The limit is now `atMs` (monotonic). `onReached` may move it again. */
  set(atMs: number): void;
  stop(): void;
};

export function createWatch(
  clock: { monotonicMs(): number; setTimer(ms: number, run: () => void): () => void },
  onReached: () => void,
): Watch {
  let limitMs = Number.POSITIVE_INFINITY;
  let armedForMs = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | null = null;

  const arm = (): void => {
    cancel?.();
    cancel = null;
    armedForMs = limitMs;
    if (limitMs === Number.POSITIVE_INFINITY) return;
    cancel = clock.setTimer(Math.max(0, limitMs - clock.monotonicMs()), () => {
      cancel = null;
      armedForMs = Number.POSITIVE_INFINITY;
      if (clock.monotonicMs() < limitMs) {
        arm();
        return;
      }
      limitMs = Number.POSITIVE_INFINITY;
      onReached();
    });
  };

  return {
    set(atMs) {
      limitMs = atMs;
      // A timer that fires too early only asks again; one that fires too late would miss the limit.
      if (atMs < armedForMs) arm();
    },
    stop() {
      limitMs = Number.POSITIVE_INFINITY;
      arm();
    },
  };
}
