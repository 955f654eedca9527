// Ties a process to its request: it is stopped when the request fails, or is gone before the process has started.

import type { AgentProcess } from "./child-process.ts";
import { type WaitLimits, within } from "./bounded-wait.ts";

type Dispose = (child: AgentProcess) => void;

/** Waits for a process; one that arrives after its request has gone is stopped. */
export async function owned<T>(
  claim: Promise<T>,
  childOf: (claim: T) => AgentProcess,
  dispose: Dispose,
  limits: WaitLimits,
): Promise<T> {
  try {
    return await within(claim, limits, "start");
  } catch (thrown) {
    void claim.then(
      (late) => dispose(childOf(late)),
      // The caller has reported why it could not be started.
      () => undefined,
    );
    throw thrown;
  }
}

/** Runs `work` with a process, and stops the process if it fails. */
export async function orStopped<T>(child: AgentProcess, dispose: Dispose, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    dispose(child);
    throw thrown;
  }
}
