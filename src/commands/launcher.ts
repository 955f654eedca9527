// The program that started us and passes signals on (scripts/setup.mjs under npm): a signal that came on several ways counts once,
// and when the launcher is gone we go too. It must never take another program for one.

import type { Clock } from "../system/clock.ts";

export type Launcher = {
  /** Is this one the same wish as the first signal, at `firstCheckMs` of the monotonic clock? */
  isRepeated(firstMs: number): boolean;
  /** Calls `onGone` once when the launcher has ended. The answer ends the watch. */
  watch(onGone: () => void): () => void;
};

const variable = "CLAWGATE_LAUNCHER_PID";
/** Ctrl-C reaches the whole group, and npm and the launcher each send it on; on a busy machine not at once. */
const echoMs = 1_000;
const lookMs = 500;

/** Null: nobody launched us, or whoever did is not our parent, so that the variable was only inherited. */
export function launcherOf(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Pick<Clock, "monotonicMs" | "setTimer">,
  parent: () => number = () => process.ppid,
): Launcher | null {
  const pid = parent();
  if (pid <= 1 || environment[variable] !== String(pid)) return null;
  return {
    isRepeated: (firstMs) => clock.monotonicMs() - firstMs < echoMs,
    watch(onGone) {
      let cancel: () => void;
      const look = (): void => {
        if (parent() === pid) cancel = clock.setTimer(lookMs, look);
        else onGone();
      };
      cancel = clock.setTimer(lookMs, look);
      return () => cancel();
    },
  };
}
