// The program that started this process and forwards signals (scripts/setup.mjs under npm): a signal that arrives several times counts
// once, and when the launcher ends, this process ends too. It must never take another program for the launcher.

import type { Clock } from "../system/clock.ts";

export type Launcher = {
  /** Whether this signal repeats the first one, which came at `firstCheckMs` of the monotonic clock. */
  isRepeated(firstMs: number): boolean;
  /** Calls `onGone` once when the launcher has ended. The returned function stops the watch. */
  watch(onGone: () => void): () => void;
};

const variable = "CLAWGATE_LAUNCHER_PID";
/** Ctrl-C reaches the whole process group, and npm and the launcher each forward it; on a busy machine with a delay. */
const repeatMs = 1_000;
const checkMs = 500;

/** Null: no launcher started this process, or it is not the parent, so the variable was only inherited. */
export function launcherOf(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Pick<Clock, "monotonicMs" | "setTimer">,
  parent: () => number = () => process.ppid,
): Launcher | null {
  const pid = parent();
  if (pid <= 1 || environment[variable] !== String(pid)) return null;
  return {
    isRepeated: (firstMs) => clock.monotonicMs() - firstMs < repeatMs,
    watch(onGone) {
      let cancel: () => void;
      const check = (): void => {
        if (parent() === pid) cancel = clock.setTimer(checkMs, check);
        else onGone();
      };
      cancel = clock.setTimer(checkMs, check);
      return () => cancel();
    },
  };
}
